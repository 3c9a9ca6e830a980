"""Gold: per person, ready for models, audiences and people who look."""
