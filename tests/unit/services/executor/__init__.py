"""Tests of `services/executor`."""
