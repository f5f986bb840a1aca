"""Turns versions into plans, and moves the active pointers."""
