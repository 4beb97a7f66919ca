"""Why: figures age. Those that the documents give are measured here, each with its goal beside it."""
