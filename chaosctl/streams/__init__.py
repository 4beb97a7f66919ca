"""Why: traffic is made of plain values, so that a stream repeats from its seed without a network."""
