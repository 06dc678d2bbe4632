"""What the front end answers in an instance's place, and what its request log says of that."""

from __future__ import annotations

from dataclasses import dataclass

from untilgreen.emulator import http1
from untilgreen.emulator.http1 import Headers
from untilgreen.emulator.workload import NoInstance, NotStarted, Overloaded

_PHRASES = {
    401: b"Unauthorized",
    403: b"Forbidden",
    429: b"Too Many Requests",
    500: b"Internal Server Error",
    503: b"Service Unavailable",
    504: b"Gateway Timeout",
}
_TROUBLESHOOTING = (
    "Additional troubleshooting documentation can be found at: https://cloud.google.com/run/docs/troubleshooting"
)
_AUTHENTICATING = "Read more at https://cloud.google.com/run/docs/securing/authenticating"


@dataclass(frozen=True)
class Answer:
    """An answer of the front end.

    Args:
        status: HTTP status.
        text: the request log's.
        body: empty for the status's phrase.
        kind: content type.
        headers: further ones.
    """

    status: int
    text: str
    body: bytes = b""
    kind: bytes = b"text/plain"
    headers: tuple[tuple[bytes, bytes], ...] = ()

    def encode(self) -> bytes:
        """Return the whole response; the connection ends with it."""
        phrase = _PHRASES[self.status]
        body = self.body or phrase
        headers: Headers = [
            (b"Content-Type", self.kind),
            *self.headers,
            (b"Content-Length", b"%d" % len(body)),
            (b"Connection", b"close"),
        ]
        return http1.encode_head((b"HTTP/1.1", b"%d" % self.status, phrase), headers) + body


NO_REVISION = Answer(503, "The request was aborted because there was no available instance.")
OVERLOADED = Answer(429, NO_REVISION.text, b"Rate exceeded.")
NOT_STARTED = Answer(500, "The request failed because the instance could not start successfully.")
NOT_READY = Answer(503, "The request failed because the instance failed the readiness check.")
BROKEN = Answer(
    503,
    "The request failed because either the HTTP response was malformed or connection to the instance had an error. "
    f"{_TROUBLESHOOTING}#malformed-response-or-connection-error",
)
OUT_OF_MEMORY = Answer(
    503,
    "While handling this request, the container instance was found to be using too much memory and was terminated. "
    "This is likely to cause a new container instance to be used for the next request to this revision. If you see "
    "this message frequently, you may have a memory leak in your code or may need more memory. "
    "Consider creating a new revision with more memory.",
)
TIMED_OUT = Answer(
    504,
    "The request has been terminated because it has reached the maximum request timeout. "
    "To change this limit, see https://cloud.google.com/run/docs/configuring/request-timeout",
    b"upstream request timeout",
)


def not_taken(error: NoInstance) -> Answer:
    """Return the answer to a request that no instance took."""
    if isinstance(error, Overloaded):
        return OVERLOADED
    if isinstance(error, NotStarted):
        return NOT_STARTED if error.ended else NOT_READY
    return NO_REVISION


def unauthenticated(path: bytes) -> Answer:
    """Return the answer to a request that does not say who asks, at a service that not everybody may call."""
    text = (
        "The request was not authenticated. Either allow unauthenticated invocations or set the proper Authorization "
        f"header. {_AUTHENTICATING} {_TROUBLESHOOTING}#unauthorized-client"
    )
    return _forbidden(path, text)


def unauthorized(path: bytes) -> Answer:
    """Return the answer to a request of somebody who may not call the service."""
    text = (
        "The request was not authorized to invoke this service. "
        f"{_AUTHENTICATING} {_TROUBLESHOOTING}#unauthorized-client"
    )
    return _forbidden(path, text)


def unverified(path: bytes) -> Answer:
    """Return the answer to a request whose token cannot be trusted."""
    told = b'Bearer error="invalid_token" error_description="The access token could not be verified"'
    return Answer(
        401,
        "The request was not authorized to invoke this service. The access token could not be verified. "
        f"{_AUTHENTICATING} {_TROUBLESHOOTING}#401",
        _page(b"401 Unauthorized", b"Unauthorized", b"to the requested URL <code>%b</code>." % _escaped(path)),
        b"text/html; charset=UTF-8",
        ((b"WWW-Authenticate", told),),
    )


def _forbidden(path: bytes, text: str) -> Answer:
    page = _page(b"403 Forbidden", b"Forbidden", b"to get URL <code>%b</code> from this server." % _escaped(path))
    return Answer(403, text, page, b"text/html; charset=UTF-8")


def _page(title: bytes, error: bytes, what: bytes) -> bytes:
    lines = (
        b"",
        b"<html><head>",
        b'<meta http-equiv="content-type" content="text/html;charset=utf-8">',
        b"<title>%b</title>" % title,
        b"</head>",
        b"<body text=#000000 bgcolor=#ffffff>",
        b"<h1>Error: %b</h1>" % error,
        b"<h2>Your client does not have permission %b</h2>" % what,
        b"<h2></h2>",
        b"</body></html>",
        b"",
    )
    return b"\n".join(lines)


def _escaped(path: bytes) -> bytes:
    return path.replace(b"&", b"&amp;").replace(b"<", b"&lt;").replace(b">", b"&gt;")
