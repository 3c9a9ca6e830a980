"""The probabilistic engine: which records of any files are one person, learned from the records themselves."""
