"""Numba kernels of the embeddings room: pure functions over arrays, one idea a file.

Rows of the models are float32 and padded with zeros to a multiple of 16 columns, so that vectors of
16 numbers need no remainder.
"""
