"""authentik's blueprints (seed 004): flows are read from them, and written as such. Pure."""
