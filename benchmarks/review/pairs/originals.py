"""Functions of an imagined service, as they stand in its tree."""

import base64
import hashlib
import hmac
import json
import logging
import os
import random
import re
import time
from dataclasses import asdict, is_dataclass
from datetime import datetime, timezone
from decimal import Decimal
from enum import Enum

log = logging.getLogger(__name__)


def to_plain(value, depth=0):
    """Return a value as data that JSON can take."""
    if depth > 20:
        raise ValueError("nested too deeply")
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime):
        return value.astimezone(timezone.utc).isoformat()
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, dict):
        return {str(key): to_plain(item, depth + 1) for key, item in value.items()}
    if isinstance(value, (list, tuple, set)):
        return [to_plain(item, depth + 1) for item in value]
    if is_dataclass(value):
        return to_plain(asdict(value), depth + 1)
    return value


def read_orders(path, since):
    """Return number and amount of the open orders of a file."""
    orders = []
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            if not line.strip():
                continue
            order = json.loads(line)
            if order["state"] == "open" and order["placed"] >= since:
                orders.append((order["number"], Decimal(order["amount"])))
    orders.sort(key=lambda pair: pair[1], reverse=True)
    return orders


def fetch_json(session, url, attempts=5):
    """Ask for JSON, again when the other side is busy."""
    wait = 0.2
    for attempt in range(attempts):
        response = session.get(url, timeout=10)
        if response.status_code == 200:
            return response.json()
        if response.status_code not in (429, 502, 503):
            raise RuntimeError(f"{url} answered {response.status_code}")
        time.sleep(wait + random.uniform(0, wait))
        wait = min(wait * 2, 10)
    raise TimeoutError(f"{url} stayed busy {attempts} times")


def sign_request(method, path, body, key):
    """Return the headers that prove who asks."""
    stamp = str(int(time.time()))
    digest = hashlib.sha256(body).hexdigest()
    message = "\n".join([method.upper(), path, stamp, digest])
    mac = hmac.new(key.encode("utf-8"), message.encode("utf-8"), hashlib.sha256)
    signature = base64.urlsafe_b64encode(mac.digest()).decode("ascii")
    return {"X-Stamp": stamp, "X-Digest": digest, "Authorization": f"HMAC {signature}"}


def summarise(orders):
    """Return count and sum of the orders of each customer."""
    totals = {}
    for order in orders:
        if order.cancelled:
            continue
        entry = totals.setdefault(order.customer, {"count": 0, "sum": Decimal(0)})
        entry["count"] += 1
        entry["sum"] += order.amount * order.quantity
    return {
        customer: {"count": entry["count"], "sum": str(round(entry["sum"], 2))}
        for customer, entry in sorted(totals.items())
    }


def parse_range(header, size):
    """Return first and last byte that a Range header asks for."""
    match = re.fullmatch(r"bytes=(\d*)-(\d*)", header.strip())
    if not match:
        raise ValueError(f"not a range: {header}")
    first, last = match.groups()
    if not first and not last:
        raise ValueError("an empty range")
    if not first:
        start, end = max(0, size - int(last)), size - 1
    else:
        start, end = int(first), min(int(last), size - 1) if last else size - 1
    if start > end or start >= size:
        raise IndexError(f"{header} is outside of {size} bytes")
    return start, end


def load_settings(path, overrides):
    """Return the settings of a file, with environment and overrides on top."""
    settings = {"host": "127.0.0.1", "port": 8080, "debug": False}
    if os.path.exists(path):
        with open(path, encoding="utf-8") as file:
            settings.update(json.load(file))
    for name in list(settings):
        variable = f"SHOP_{name.upper()}"
        if variable in os.environ:
            settings[name] = type(settings[name])(os.environ[variable])
    for name, value in overrides.items():
        if name not in settings:
            raise KeyError(f"no such setting: {name}")
        settings[name] = value
    return settings


def mask_secrets(record, names):
    """Return a record without the values of secret fields."""
    clean = {}
    for key, value in record.items():
        lowered = key.lower()
        if any(name in lowered for name in names):
            clean[key] = "***" if value else value
        elif isinstance(value, dict):
            clean[key] = mask_secrets(value, names)
        elif isinstance(value, list):
            clean[key] = [mask_secrets(item, names) if isinstance(item, dict) else item for item in value]
        else:
            clean[key] = value
    return clean


def route_of(path, table):
    """Return the handler of a path and the values in it."""
    wanted = [part for part in path.split("/") if part]
    for pattern, handler in table:
        parts = [part for part in pattern.split("/") if part]
        if len(parts) != len(wanted):
            continue
        values = {}
        for part, given in zip(parts, wanted):
            if part.startswith("{") and part.endswith("}"):
                values[part[1:-1]] = given
            elif part != given:
                break
        else:
            return handler, values
    raise LookupError(f"no route to {path}")


def expire_sessions(store, now, idle_s, longest_s):
    """Remove the sessions that were idle or lasted too long; return how many."""
    gone = []
    for token, session in store.items():
        idle = (now - session.seen).total_seconds()
        age = (now - session.begun).total_seconds()
        if idle > idle_s or age > longest_s:
            gone.append(token)
    for token in gone:
        session = store.pop(token)
        session.socket.close(code=4001, reason="expired")
    log.info("%s sessions expired", len(gone))
    return len(gone)


def page_of(items, page, size):
    """Return one page of a listing, and what a client needs to ask for the others."""
    if size < 1 or size > 100:
        raise ValueError("between 1 and 100 items on a page")
    pages = max(1, -(-len(items) // size))
    if page < 1 or page > pages:
        raise IndexError(f"there are {pages} pages")
    start = (page - 1) * size
    links = {"self": f"?page={page}", "first": "?page=1", "last": f"?page={pages}"}
    if page > 1:
        links["previous"] = f"?page={page - 1}"
    if page < pages:
        links["next"] = f"?page={page + 1}"
    return {"items": items[start : start + size], "total": len(items), "links": links}


def check_token(token, keys, audience):
    """Return the claims of a token that is signed, meant for us, and not too old."""
    try:
        head, body, signature = token.split(".")
    except ValueError:
        raise PermissionError("not a token") from None
    header = json.loads(base64.urlsafe_b64decode(head + "=="))
    key = keys.get(header.get("kid"))
    if key is None:
        raise PermissionError("signed by nobody we know")
    expected = hmac.new(key, f"{head}.{body}".encode("ascii"), hashlib.sha256).digest()
    if not hmac.compare_digest(expected, base64.urlsafe_b64decode(signature + "==")):
        raise PermissionError("the signature is wrong")
    claims = json.loads(base64.urlsafe_b64decode(body + "=="))
    if claims.get("aud") != audience:
        raise PermissionError("meant for somebody else")
    if claims.get("exp", 0) < time.time():
        raise PermissionError("expired")
    return claims
