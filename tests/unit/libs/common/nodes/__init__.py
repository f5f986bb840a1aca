"""Tests of `libs/common/nodes`."""
