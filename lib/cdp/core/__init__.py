"""What every layer may use: errors, keys, dates. It imports nothing of the project."""
