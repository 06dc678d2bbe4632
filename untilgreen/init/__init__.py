"""The first untilgreen.yaml: what a project shows, written down with its guesses marked."""
