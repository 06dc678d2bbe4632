"""The nouns: frozen documents that the steps hand to one another."""
