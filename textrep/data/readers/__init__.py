"""One module for each layout that a corpus is published in."""
