"""Tests of `libs/common/wire`."""
