"""Files from their publishers: downloads that survive being cut off, archives opened safely."""
