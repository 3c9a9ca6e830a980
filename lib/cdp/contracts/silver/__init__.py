"""Silver: checked, typed, without duplicates."""
