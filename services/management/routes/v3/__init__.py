"""Seed 003's face."""
