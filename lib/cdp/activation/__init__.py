"""Activation: audiences leave for the places where the company talks to its customers, consent checked."""
