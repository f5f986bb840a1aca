"""Tests of `libs`."""
