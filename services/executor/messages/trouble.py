"""What keeps a message from leaving, for now."""


class PutOff(Exception):
    """Whoever was to take this message did not, and may the next time."""
