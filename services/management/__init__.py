"""Owns the truth: flows, their versions, and the events that tell of them."""
