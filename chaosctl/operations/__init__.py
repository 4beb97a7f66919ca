"""Why: somebody must introduce the engine, which knows no cluster, to the cluster, which knows no engine.

This is the composition root. The command line, and later the web and the controller, only translate to it.
"""
