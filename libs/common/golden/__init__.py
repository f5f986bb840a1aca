"""Runs golden tests from files, offline: `python -m libs.common.golden FILES`."""
