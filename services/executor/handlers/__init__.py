"""Who answers which question."""
