"""Seed 000's face."""
