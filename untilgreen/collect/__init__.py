"""Step collect: what happened, as evidence with an address."""
