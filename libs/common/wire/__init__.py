"""The formats that two services share, each in exactly one file."""
