"""Traits: values computed per person from events, orders and feedback, each declared in one file."""
