"""The doctor: what is seen of a project, its machine and its cloud, and what to do about it."""
