"""What real clients need that a test's server does not have by itself: TLS, and npm's packages."""
