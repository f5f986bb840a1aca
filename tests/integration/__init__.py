"""Tests against real PostgreSQL, Redis and NATS."""
