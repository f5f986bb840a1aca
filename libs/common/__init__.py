"""The flow language, the formats that services share, and what every service starts with."""
