"""Why: the sandbox is trusted only as far as a real cluster agrees with it, so both take the same tests."""
