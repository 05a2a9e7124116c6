"""Numba kernels of the sparse room: pure functions over arrays, one idea a file.

Text reaches them as addresses and lengths of UTF-8 buffers, so that a str, a pyarrow column and a
polars column are read where they lie. Every kernel releases the GIL; threads are ordinary Python
threads, because numba's own thread pool may not be entered by two callers at once.
"""
