"""Step report: what people and machines read of a loop. Pure renderers, and one function that writes files."""
