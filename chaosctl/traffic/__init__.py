"""Why: load and faults need sockets; they are kept together here, away from everything that only computes."""
