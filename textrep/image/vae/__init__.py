"""Variational autoencoders: codes with a prior, and pictures with a likelihood."""
