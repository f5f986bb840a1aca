"""The compiler on real PostgreSQL, Redis and NATS."""
