"""Step fix: what the fixers offer, judged one on top of the other, and its way into commits."""
