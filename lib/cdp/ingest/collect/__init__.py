"""Collect: events over HTTP onto disk, as files that the file source reads; what is acknowledged is not lost."""
