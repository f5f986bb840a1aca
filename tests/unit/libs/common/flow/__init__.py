"""Tests of `libs/common/flow`."""
