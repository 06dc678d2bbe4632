"""What the environment tells this service."""

import os
from dataclasses import dataclass


@dataclass(frozen=True)
class Settings:
    """Where auth is, and the secrets that are shared with it."""

    auth_url: str
    jwt_key: str
    service_secret: str


def from_environment():
    """Return the settings of this process."""
    return Settings(
        auth_url=os.environ["AUTH_URL"],
        jwt_key=os.environ["JWT_KEY"],
        service_secret=os.environ["SERVICE_SECRET"],
    )
