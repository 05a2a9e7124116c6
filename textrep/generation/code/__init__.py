"""Completion of Python source: its files, units, filling in, counts, and the mixture of them."""
