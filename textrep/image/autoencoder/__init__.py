"""Autoencoders: pictures to a few numbers and back, with noise on the way or without."""
