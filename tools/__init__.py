"""Scripts of this repository's own upkeep."""
