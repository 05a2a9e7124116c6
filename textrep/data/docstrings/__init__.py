"""The corpus `docstrings`: English prose that every installation already has."""
