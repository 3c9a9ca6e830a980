"""Buy till you die: purchase processes with dropout, their likelihoods and what they expect."""
