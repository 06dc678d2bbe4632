"""One home for each thing: the declared registry, what deviates from it, and an index of what the code does."""
