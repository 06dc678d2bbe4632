"""WHEN: the order of steps. Nothing here knows how a step works."""
