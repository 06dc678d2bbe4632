"""Who calls, and what accounts knows of them."""

import os

import signing
import tokens
from problems import Problem
from upstream import ask_accounts
from wire import answer


def caller_of(request):
    """Return the claims of the token that a request brings."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme != "Bearer":
        raise Problem(401, "a bearer token is needed")
    return tokens.read(token, os.environ.get("SIGNING_KEY", ""))


def clerk_of(request):
    """Return the same, and refuse guests."""
    caller = caller_of(request)
    if caller["role"] != "clerk":
        raise Problem(403, "only clerks may do this")
    return caller


async def login(request):
    """Pass a wish to sign in on to accounts."""
    wish = await request.json()
    status, body = await ask_accounts(request, "POST", "/login", body=wish)
    return answer(body, status=status)


async def me(request):
    """Tell callers what accounts knows of them."""
    person = await card_of(request, caller_of(request)["sub"])
    return answer({"user": person["user"], "role": person["role"], "desk": desk(person)})


def desk(person):
    """Return the sign above the desk of somebody's team."""
    return f"{person['team'].upper()} DESK"


async def card_of(request, user):
    """Ask accounts who somebody is."""
    path = f"/people/{user}"
    headers = {"X-Service-Signature": signing.sign(path, os.environ["SERVICE_KEY"])}
    status, body = await ask_accounts(request, "GET", path, headers=headers)
    if status != 200:
        raise Problem(status, body["error"])
    return body
