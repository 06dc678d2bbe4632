"""HOW Prefect runs a step: retries, time-out, run name, what is said and shown. One file a step, no thinking."""
