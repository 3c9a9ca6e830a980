"""Ranked items for a person: what is bought again, and what is new to them."""
