"""Chances of an event per person, and likeness to a seed audience, from any table of features."""
