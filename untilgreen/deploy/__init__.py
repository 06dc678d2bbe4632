"""Step deploy: check every secret, plan, roll out, and prove who serves."""
