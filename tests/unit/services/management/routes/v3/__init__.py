"""Tests of `services/management/routes`."""
