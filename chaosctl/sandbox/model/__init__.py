"""Why: a drill is only worth watching against a served model whose answers can be right or wrong.

A logistic regression on the Wisconsin diagnostic breast-cancer data behind the Open Inference Protocol
(V2). Model `breast-cancer`: input `features` FP64 [n, 30]; outputs `probability` FP64 [n] (of malignant) and
`label` INT64 [n] (1 malignant, 0 benign). Serving imports the standard library, httptools and
uvloop, nothing else: a pod is a process of this package, and is to be Ready within a fraction of a second.
"""
