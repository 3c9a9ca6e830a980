"""Ops: ledgers of files, runs, trainings, deliveries and identity changes."""
