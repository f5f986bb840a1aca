"""Providers that people sign in with, for the tests."""
