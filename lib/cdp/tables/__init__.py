"""The only reader and writer of tables."""
