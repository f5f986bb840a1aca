"""Tests that touch no server; they mirror the sources by file name."""
