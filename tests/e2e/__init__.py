"""Tests that drive the real processes over HTTP."""
