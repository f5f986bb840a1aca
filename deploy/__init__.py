"""How Gatehouse is run."""
