"""Audiences: predicates over profiles, traits and predictions, and who was in when."""
