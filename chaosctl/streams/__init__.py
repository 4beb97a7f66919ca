"""Why: what traffic is made of must be plain values, so that a stream repeats from its seed without a network."""
