"""The node types, one file each, pure: no I/O, no clock, no randomness."""
