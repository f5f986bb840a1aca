"""Tests of `libs/common`."""
