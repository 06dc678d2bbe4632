"""Step wait: nothing is tested before every service answers for itself."""
