"""The page of the night: small facts collected from the tables, charts of them, and one HTML file."""
