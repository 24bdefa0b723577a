"""Desired state and the ways to ask for it; the command line."""
