"""Walks client apps through flows, one turn a request."""
