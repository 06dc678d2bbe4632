"""What the features are worth: money credited only from proven passes."""
