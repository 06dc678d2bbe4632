"""Step review: the gate that every analysis and every fix has to pass, whoever wrote it."""
