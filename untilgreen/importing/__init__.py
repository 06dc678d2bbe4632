"""Reads what other tools wrote, such as reports of tests and exported logs, and makes evidence of it."""
