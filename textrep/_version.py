"""The version of textrep, kept apart for the build, which reads it without an import."""

__version__ = "0.1.0"
