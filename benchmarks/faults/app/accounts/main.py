"""Accounts: people sign in here, and our other services ask here who somebody is."""

import json
import logging
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import directory
import log
import signing
import tokens

SIGNING_KEY = os.environ["SIGNING_KEY"]
SERVICE_KEY = os.environ["SERVICE_KEY"].strip()

logger = logging.getLogger("accounts")


class Refusal(Exception):
    """A request that is answered with an error."""

    def __init__(self, status, error):
        super().__init__(error)
        self.status, self.error = status, error


def health(_request):
    return {"status": "ok"}


def login(request):
    """Exchange a user name and a password for a token."""
    wish = request.body()
    person = directory.find(wish.get("user"))
    if person is None or not person.knows(wish.get("password")):
        raise Refusal(401, "wrong user or password")
    return {"token": tokens.issue(person.user, person.role, SIGNING_KEY), "user": person.user}


def person(request):
    """Tell one of our services who somebody is."""
    if not signing.is_ours(request.headers.get("X-Service-Signature", ""), request.path, SERVICE_KEY):
        logger.warning("X-Service-Signature does not match for %s", request.path)
        raise Refusal(403, "service signature refused")
    found = directory.find(request.path.rpartition("/")[2])
    if found is None:
        raise Refusal(404, "nobody of this name")
    return directory.card(found)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    routes = (("GET", "/health", health), ("POST", "/login", login), ("GET", "/people/", person))

    def do_GET(self):
        self.serve()

    def do_POST(self):
        self.serve()

    def serve(self):
        log.trace.value = self.headers.get("traceparent", "--").split("-")[1]
        self.read = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        try:
            self.answer(200, self.handler()(self))
        except Refusal as refusal:
            self.answer(refusal.status, {"error": refusal.error})
        except ConnectionError:
            logger.warning("%s went away before %s was answered", self.client_address[0], self.path)
        except Exception:
            # Nobody knows what state we are in now: end, and let the platform start us anew.
            logger.critical("unexpected, giving up", exc_info=True)
            os._exit(1)

    def handler(self):
        for method, path, handler in self.routes:
            asked = self.path.partition("?")[0]
            if method == self.command and (asked == path or (path.endswith("/") and asked.startswith(path))):
                return handler
        raise Refusal(404, "no such page")

    def body(self):
        try:
            found = json.loads(self.read)
        except ValueError:
            raise Refusal(400, "this is not JSON") from None
        if not isinstance(found, dict):
            raise Refusal(400, "a JSON object is needed")
        return found

    def answer(self, status, body):
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_args):
        pass


class Server(ThreadingHTTPServer):
    request_queue_size = 128


if __name__ == "__main__":
    log.start()
    port = int(os.environ.get("PORT", "8080"))
    logger.info("accounts listens on port %s", port)
    Server((os.environ.get("HOST", "127.0.0.1"), port), Handler).serve_forever()
