"""Next best action: one a person or none, under consent, caps and budget; and what a policy is worth off line."""
