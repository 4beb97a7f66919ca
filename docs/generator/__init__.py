"""Why: the pages of the reference, each a function that returns its text."""
