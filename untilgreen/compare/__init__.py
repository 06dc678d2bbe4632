"""Step compare: what became of each cause since the cycles before."""
