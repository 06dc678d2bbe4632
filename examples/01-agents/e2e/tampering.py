"""What somebody might show instead of a token, and what they must be told."""

import base64
import json


def part(claims):
    return base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()


def claims_of(token):
    body = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(body + "=="))


def other_user(token):
    head, _, signature = token.split(".")
    return f"{head}.{part(claims_of(token) | {'sub': 'somebody-else'})}.{signature}"


def more_roles(token):
    head, _, signature = token.split(".")
    return f"{head}.{part(claims_of(token) | {'roles': ['admin', 'root']})}.{signature}"


def later_end(token):
    head, _, signature = token.split(".")
    return f"{head}.{part(claims_of(token) | {'exp': 9_999_999_999})}.{signature}"


def no_algorithm(token):
    return f"{part({'alg': 'none'})}.{token.split('.')[1]}."


def changed_signature(token):
    middle = token.rindex(".") + 10
    return token[:middle] + ("A" if token[middle] != "A" else "B") + token[middle + 1 :]


FORGERIES = {
    "another user": (other_user, "wrong signature"),
    "more roles": (more_roles, "wrong signature"),
    "a later end": (later_end, "wrong signature"),
    "no algorithm": (no_algorithm, "wrong signature"),
    "a changed signature": (changed_signature, "wrong signature"),
    "a cut-off signature": (lambda token: token[:-4], "wrong signature"),
    "two parts": (lambda token: token.rpartition(".")[0], "malformed token"),
    "four parts": (lambda token: f"{token}.more", "malformed token"),
    "one word": (lambda _token: "open-sesame", "malformed token"),
}
