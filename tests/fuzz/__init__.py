"""Asks all that the document of the API allows, and some that it does not."""
