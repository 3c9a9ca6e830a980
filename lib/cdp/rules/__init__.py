"""What several domains share: definitions, consent."""
