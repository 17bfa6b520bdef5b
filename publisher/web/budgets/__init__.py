"""What one party may ask for, and what becomes of it that asks for more."""
