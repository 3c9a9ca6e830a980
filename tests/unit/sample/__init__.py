"""Tests of the made company."""
