"""Tests of `services/compiler`."""
