"""Word vectors from a corpus in parts, each of which is trained on where it lies."""
