"""Measures what a step costs, beside the floors it is compared with."""
