"""One best row per person from all that the sources state, and the story behind it."""
