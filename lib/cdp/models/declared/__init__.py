"""Models that a file of conf/models declares: learned in the night on past cuts, scored with churn and value."""
