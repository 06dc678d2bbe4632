"""Step build: the tested commit becomes images, by digest."""
