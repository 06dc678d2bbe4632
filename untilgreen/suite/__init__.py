"""Step suite: run the e2e tests, run failures again, and say in which ways the run is not complete."""
