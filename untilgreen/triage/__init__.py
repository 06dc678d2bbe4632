"""Step triage: from many failures to a few causes, each with its chain of whys."""
