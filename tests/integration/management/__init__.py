"""Management on real servers."""
