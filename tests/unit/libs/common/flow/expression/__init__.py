"""Tests of `libs/common/flow/expression`."""
