"""Sends notices through apprise, which knows Slack, Teams, mail, webhooks and a hundred others."""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Iterator

import apprise

from untilgreen.model.notice import Notice, NoticeKind
from untilgreen.settings.notify import FROM_ENVIRONMENT

_TYPES = {
    NoticeKind.FIRST_RED: apprise.NotifyType.FAILURE,
    NoticeKind.NEW_CAUSE: apprise.NotifyType.FAILURE,
    NoticeKind.APPROVAL: apprise.NotifyType.INFO,
    NoticeKind.GREEN: apprise.NotifyType.SUCCESS,
    NoticeKind.STOPPED: apprise.NotifyType.WARNING,
}


class AppriseCourier:
    """Sends each notice to every address.

    Args:
        urls: addresses, or `env:NAME` for an environment variable that holds one. They are never shown: what fails
            is named by its place in the settings.
    """

    def __init__(self, urls: tuple[str, ...]) -> None:
        self._urls = urls
        logging.getLogger("apprise").disabled = True  # its lines show addresses, which are credentials

    def deliver(self, notice: Notice) -> tuple[str, ...]:
        """Send a notice; return which addresses could not be reached."""
        return tuple(self._troubles(notice))

    def _troubles(self, notice: Notice) -> Iterator[str]:
        for number, written in enumerate(self._urls):
            if trouble := _send(written, notice):
                yield f"notify.urls.{number}: {trouble}"


def _send(written: str, notice: Notice) -> str:
    """Send to one address; return what went wrong, in words that hold nothing of the address."""
    named = FROM_ENVIRONMENT.fullmatch(written)
    url = os.environ.get(named[1], "") if named else written
    if named and not url:
        return f"the environment variable {named[1]} is not set; set it where the loop runs"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of plugins, which are loaded late; theirs to mend
            return _told(url, notice)
    except Exception as error:  # noqa: BLE001 - a hundred vendors' plugins: none may end a loop
        return f"{type(error).__name__} while sending"


def _told(url: str, notice: Notice) -> str:
    target = apprise.Apprise.instantiate(url, suppress_exceptions=True)
    if not isinstance(target, apprise.NotifyBase):
        return "apprise knows no such address; see its list of services"
    call = apprise.Apprise()
    call.add(target)
    body = "\n".join(line for line in (notice.reason, notice.link) if line)
    sent = call.notify(
        body=body, title=notice.title, notify_type=_TYPES[notice.kind], body_format=apprise.NotifyFormat.TEXT
    )
    return "" if sent else "it did not take the notice; check address and network"
