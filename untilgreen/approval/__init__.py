"""Who may say yes, to exactly what, and what is written down about it."""
