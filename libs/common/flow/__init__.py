"""The flow language, pure: no I/O, no clock, no randomness."""
