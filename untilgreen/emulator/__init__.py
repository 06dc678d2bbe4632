"""The embedded cloud: Cloud Run, Cloud Logging and Secret Manager over gRPC, where a revision is a real process.

    python -m untilgreen.emulator --state DIR

Google's own clients are the only way in. It is the outside world: it imports nothing else of untilgreen, and what it
does not emulate answers UNIMPLEMENTED with the name of the method.
"""
