"""What every service starts with; it never knows which service that is."""
