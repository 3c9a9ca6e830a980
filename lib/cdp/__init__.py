"""An open Customer Data Platform on Spark: from raw files to profiles, scores, audiences and exports."""

__version__ = "0.1.0"
