"""What dies here is brought back."""
