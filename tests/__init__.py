"""The tests, in rings: unit, integration, end to end, and the bench apart."""
