"""What runs with authentik's clients, which are not in this environment."""
