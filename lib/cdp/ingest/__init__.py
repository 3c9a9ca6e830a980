"""Ingest: files of any source become landed records, and landed records become silver rows or named refusals."""
