"""Bronze: records as they came, and those that were refused."""
