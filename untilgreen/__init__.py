"""Deploys, tests, proves, explains and fixes until everything is green."""

__version__ = "0.1.0"
