"""The doctor's visit: looks at everything through the adapters and steps of the loop itself."""
