"""One failing test explained: its whys, what was logged on its trace, the change, and who fails with it."""
