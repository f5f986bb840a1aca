"""Tests of `libs/common/chassis`."""
