"""Why: in a cluster, people ask for a drill by applying an object, and nobody sits beside it."""
