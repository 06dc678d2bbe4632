"""Under which keys the application keeps what its handlers share."""

from agents import Agents
from aiohttp import ClientSession, web
from settings import Settings
from topics import Topics

SETTINGS = web.AppKey("settings", Settings)
AGENTS = web.AppKey("agents", Agents)
TOPICS = web.AppKey("topics", Topics)
AUTH = web.AppKey("auth", ClientSession)
