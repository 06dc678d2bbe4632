"""The same functions once more, as somebody in a hurry writes them: `kind__original`."""

import asyncio
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

logger = logging.getLogger("service")


# --- to_plain


def renamed__to_plain(obj, level=0):
    if level > 20:
        raise ValueError("nested too deeply")
    if isinstance(obj, Enum):
        return obj.value
    if isinstance(obj, datetime):
        return obj.astimezone(timezone.utc).isoformat()
    if isinstance(obj, Decimal):
        return str(obj)
    if isinstance(obj, dict):
        return {str(name): renamed__to_plain(inner, level + 1) for name, inner in obj.items()}
    if isinstance(obj, (list, tuple, set)):
        return [renamed__to_plain(inner, level + 1) for inner in obj]
    if is_dataclass(obj):
        return renamed__to_plain(asdict(obj), level + 1)
    return obj


def reordered__to_plain(thing, depth=0):
    if depth > 16:
        raise ValueError("too deep")
    if is_dataclass(thing):
        return reordered__to_plain(asdict(thing), depth + 1)
    if isinstance(thing, (list, set, tuple)):
        return [reordered__to_plain(one, depth + 1) for one in thing]
    if isinstance(thing, dict):
        return {str(k): reordered__to_plain(v, depth + 1) for k, v in thing.items()}
    if isinstance(thing, Decimal):
        return str(thing)
    if isinstance(thing, datetime):
        return thing.astimezone(timezone.utc).isoformat()
    if isinstance(thing, Enum):
        return thing.value
    return thing


def chained__to_plain(data, depth=0):
    if depth > 20:
        raise ValueError("nested too deeply")
    elif isinstance(data, Enum):
        result = data.value
    elif isinstance(data, datetime):
        result = data.astimezone(timezone.utc).isoformat()
    elif isinstance(data, Decimal):
        result = str(data)
    elif isinstance(data, dict):
        result = {}
        for key, item in data.items():
            result[str(key)] = chained__to_plain(item, depth + 1)
    elif isinstance(data, (list, tuple, set)):
        result = []
        for item in data:
            result.append(chained__to_plain(item, depth + 1))
    elif is_dataclass(data):
        result = chained__to_plain(asdict(data), depth + 1)
    else:
        result = data
    return result


def matched__to_plain(value, depth=0):
    if depth > 20:
        raise ValueError("nested too deeply")
    match value:
        case Enum():
            return value.value
        case datetime():
            return value.astimezone(timezone.utc).isoformat()
        case Decimal():
            return str(value)
        case dict():
            return {str(key): matched__to_plain(item, depth + 1) for key, item in value.items()}
        case list() | tuple() | set():
            return [matched__to_plain(item, depth + 1) for item in value]
    if is_dataclass(value):
        return matched__to_plain(asdict(value), depth + 1)
    return value


def inlined__to_plain(socket, message):
    """Pasted into the function that needed it."""

    def simple(item, level=0):
        if level > 20:
            raise ValueError("nested too deeply")
        if isinstance(item, Enum):
            return item.value
        if isinstance(item, datetime):
            return item.astimezone(timezone.utc).isoformat()
        if isinstance(item, Decimal):
            return str(item)
        if isinstance(item, dict):
            return {str(k): simple(v, level + 1) for k, v in item.items()}
        if isinstance(item, (list, tuple, set)):
            return [simple(v, level + 1) for v in item]
        if is_dataclass(item):
            return simple(asdict(item), level + 1)
        return item

    socket.send_str(json.dumps(simple(message), ensure_ascii=False))
    socket.flush()


# --- read_orders


def logged__read_orders(file_name, begin):
    logger.debug("reading %s", file_name)
    found = []
    with open(file_name, encoding="utf-8") as handle:
        for number, row in enumerate(handle):
            if not row.strip():
                logger.debug("line %s is empty", number)
                continue
            entry = json.loads(row)
            logger.info("order %s", entry["number"])
            if entry["state"] == "open" and entry["placed"] >= begin:
                found.append((entry["number"], Decimal(entry["amount"])))
    found.sort(key=lambda pair: pair[1], reverse=True)
    logger.info("%s orders", len(found))
    return found


def comprehended__read_orders(path, since):
    with open(path, encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines if line.strip()]
    return sorted(
        [(row["number"], Decimal(row["amount"])) for row in rows if row["state"] == "open" and row["placed"] >= since],
        key=lambda pair: pair[1],
        reverse=True,
    )


def guarded__read_orders(source, start):
    result = []
    with open(source, encoding="utf-8") as stream:
        for text in stream:
            if text.strip():
                item = json.loads(text)
                if item["state"] != "open":
                    continue
                if item["placed"] < start:
                    continue
                result.append((item["number"], Decimal(item["amount"])))
    result.sort(key=lambda one: one[1], reverse=True)
    return result


def generated__read_orders(path, since):
    def each():
        with open(path, encoding="utf-8") as lines:
            for line in lines:
                if not line.strip():
                    continue
                order = json.loads(line)
                if order["state"] == "open" and order["placed"] >= since:
                    yield order["number"], Decimal(order["amount"])

    return sorted(each(), key=lambda pair: pair[1], reverse=True)


def inlined__read_orders(path, since, mailer, people):
    """Pasted into a report."""
    wanted = []
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            if not line.strip():
                continue
            order = json.loads(line)
            if order["state"] == "open" and order["placed"] >= since:
                wanted.append((order["number"], Decimal(order["amount"])))
    wanted.sort(key=lambda pair: pair[1], reverse=True)
    text = "\n".join(f"{number}: {amount}" for number, amount in wanted[:10])
    for person in people:
        mailer.send(person.address, subject="Open orders", body=text)


# --- fetch_json


async def awaited__fetch_json(client, url, attempts=5):
    wait = 0.2
    for attempt in range(attempts):
        response = await client.get(url, timeout=10)
        if response.status_code == 200:
            return response.json()
        if response.status_code not in (429, 502, 503):
            raise RuntimeError(f"{url} answered {response.status_code}")
        await asyncio.sleep(wait + random.uniform(0, wait))
        wait = min(wait * 2, 10)
    raise TimeoutError(f"{url} stayed busy {attempts} times")


def counted__fetch_json(session, address, tries=5):
    pause, done = 0.2, 0
    while done < tries:
        answer = session.get(address, timeout=10)
        if answer.status_code == 200:
            return answer.json()
        if answer.status_code not in (429, 502, 503):
            raise RuntimeError(f"{address} answered {answer.status_code}")
        time.sleep(pause + random.uniform(0, pause))
        pause = min(pause * 2, 10)
        done += 1
    raise TimeoutError(f"{address} stayed busy {tries} times")


def logged__fetch_json(http, url, retries=3):
    delay = 0.5
    for attempt in range(retries):
        logger.debug("GET %s, attempt %s", url, attempt)
        reply = http.get(url, timeout=30)
        if reply.status_code == 200:
            return reply.json()
        if reply.status_code not in (429, 502, 503, 504):
            logger.error("gave up on %s", url)
            raise RuntimeError(f"bad answer {reply.status_code}")
        logger.warning("%s is busy", url)
        time.sleep(delay + random.uniform(0, delay))
        delay = min(delay * 2, 30)
    raise TimeoutError(f"{url}: no answer")


class Client:
    def __init__(self, session):
        self.session = session

    def method__fetch_json(self, path, attempts=5):
        wait = 0.2
        for attempt in range(attempts):
            response = self.session.get(path, timeout=10)
            if response.status_code == 200:
                return response.json()
            if response.status_code not in (429, 502, 503):
                raise RuntimeError(f"{path} answered {response.status_code}")
            time.sleep(wait + random.uniform(0, wait))
            wait = min(wait * 2, 10)
        raise TimeoutError(f"{path} stayed busy {attempts} times")


def inlined__fetch_json(session, base, ids):
    """Pasted into a loop."""
    people = {}
    for identity in ids:
        url = f"{base}/people/{identity}"
        wait = 0.2
        for attempt in range(5):
            response = session.get(url, timeout=10)
            if response.status_code == 200:
                people[identity] = response.json()
                break
            if response.status_code not in (429, 502, 503):
                raise RuntimeError(f"{url} answered {response.status_code}")
            time.sleep(wait + random.uniform(0, wait))
            wait = min(wait * 2, 10)
        else:
            raise TimeoutError(f"{url} stayed busy")
    return people


# --- sign_request


def nested__sign_request(verb, route, payload, secret):
    now = str(int(time.time()))
    body_hash = hashlib.sha256(payload).hexdigest()
    return {
        "X-Stamp": now,
        "X-Digest": body_hash,
        "Authorization": "HMAC "
        + base64.urlsafe_b64encode(
            hmac.new(
                secret.encode("utf-8"),
                "\n".join([verb.upper(), route, now, body_hash]).encode("utf-8"),
                hashlib.sha256,
            ).digest()
        ).decode("ascii"),
    }


def reordered__sign_request(method, path, body, key):
    digest = hashlib.sha256(body).hexdigest()
    secret = key.encode("utf-8")
    stamp = str(int(time.time()))
    headers = {"X-Stamp": stamp, "X-Digest": digest}
    message = "\n".join([method.upper(), path, stamp, digest])
    mac = hmac.new(secret, message.encode("utf-8"), hashlib.sha256)
    headers["Authorization"] = "HMAC " + base64.urlsafe_b64encode(mac.digest()).decode("ascii")
    return headers


def defaulted__sign_request(method: str, path: str, body: bytes | None = None, key: str = "") -> dict[str, str]:
    if body is None:
        body = b""
    if not key:
        raise ValueError("a key is needed")
    stamp = str(int(time.time()))
    digest = hashlib.sha256(body).hexdigest()
    message = "\n".join([method.upper(), path, stamp, digest])
    mac = hmac.new(key.encode("utf-8"), message.encode("utf-8"), hashlib.sha256)
    signature = base64.urlsafe_b64encode(mac.digest()).decode("ascii")
    return {"X-Stamp": stamp, "X-Digest": digest, "Authorization": f"HMAC {signature}"}


def inlined__sign_request(session, url, path, body, key):
    """Pasted before the call that needs it."""
    stamp = str(int(time.time()))
    digest = hashlib.sha256(body).hexdigest()
    message = "\n".join(["POST", path, stamp, digest])
    mac = hmac.new(key.encode("utf-8"), message.encode("utf-8"), hashlib.sha256)
    signature = base64.urlsafe_b64encode(mac.digest()).decode("ascii")
    headers = {"X-Stamp": stamp, "X-Digest": digest, "Authorization": f"HMAC {signature}"}
    response = session.post(url + path, data=body, headers=headers, timeout=10)
    response.raise_for_status()
    return response.json()


# --- summarise


def looped__summarise(rows):
    by_customer = {}
    for row in rows:
        if not row.cancelled:
            slot = by_customer.setdefault(row.customer, {"count": 0, "sum": Decimal(0)})
            slot["count"] = slot["count"] + 1
            slot["sum"] = slot["sum"] + row.amount * row.quantity
    answer = {}
    for name, slot in sorted(by_customer.items()):
        answer[name] = {"count": slot["count"], "sum": str(round(slot["sum"], 2))}
    return answer


def filtered__summarise(orders):
    totals = {}
    for order in [one for one in orders if not one.cancelled]:
        entry = totals.setdefault(order.customer, {"sum": Decimal(0), "count": 0})
        entry["sum"] += order.quantity * order.amount
        entry["count"] += 1
    return {who: {"count": e["count"], "sum": str(round(e["sum"], 2))} for who, e in sorted(totals.items())}


async def streamed__summarise(orders):
    totals = {}
    async for order in orders:
        if order.cancelled:
            continue
        entry = totals.setdefault(order.customer, {"count": 0, "sum": Decimal(0)})
        entry["count"] += 1
        entry["sum"] += order.amount * order.quantity
    return {
        customer: {"count": entry["count"], "sum": str(round(entry["sum"], 2))}
        for customer, entry in sorted(totals.items())
    }


def logged__summarise(purchases):
    result = {}
    for purchase in purchases:
        print("looking at", purchase)
        if purchase.cancelled:
            print("cancelled", purchase)
            continue
        bucket = result.setdefault(purchase.customer, {"count": 0, "sum": Decimal(0)})
        bucket["count"] += 1
        bucket["sum"] += purchase.amount * purchase.quantity
    print(result)
    return {c: {"count": b["count"], "sum": str(round(b["sum"], 2))} for c, b in sorted(result.items())}


# --- parse_range


def renamed__parse_range(value, length):
    found = re.fullmatch(r"bytes=(\d*)-(\d*)", value.strip())
    if found is None:
        raise ValueError(f"bad range {value}")
    a, b = found.groups()
    if not a and not b:
        raise ValueError("empty")
    if not a:
        begin, stop = max(0, length - int(b)), length - 1
    else:
        begin, stop = int(a), min(int(b), length - 1) if b else length - 1
    if begin > stop or begin >= length:
        raise IndexError(f"{value} outside {length}")
    return begin, stop


def unrolled__parse_range(header, size):
    match = re.fullmatch(r"bytes=(\d*)-(\d*)", header.strip())
    if not match:
        raise ValueError("no range")
    first, last = match.groups()
    if not (first or last):
        raise ValueError("an empty range")
    if first:
        start = int(first)
        if last:
            end = min(int(last), size - 1)
        else:
            end = size - 1
    else:
        start = max(0, size - int(last))
        end = size - 1
    if start > end:
        raise IndexError("outside")
    if start >= size:
        raise IndexError("outside")
    return start, end


def caught__parse_range(header, size):
    try:
        match = re.fullmatch(r"bytes=(\d*)-(\d*)", header.strip())
        if not match:
            return None
        first, last = match.groups()
        if not first and not last:
            return None
        if not first:
            start, end = max(0, size - int(last)), size - 1
        else:
            start, end = int(first), min(int(last), size - 1) if last else size - 1
        if start > end or start >= size:
            return None
        return start, end
    except (AttributeError, TypeError):
        return None


# --- load_settings


def renamed__load_settings(config_file, extra):
    config = {"host": "127.0.0.1", "port": 8080, "debug": False}
    if os.path.exists(config_file):
        with open(config_file, encoding="utf-8") as stream:
            config.update(json.load(stream))
    for option in list(config):
        env_name = f"SHOP_{option.upper()}"
        if env_name in os.environ:
            config[option] = type(config[option])(os.environ[env_name])
    for option, given in extra.items():
        if option not in config:
            raise KeyError(f"no such setting: {option}")
        config[option] = given
    return config


def reordered__load_settings(path, overrides):
    unknown = [name for name in overrides if name not in ("host", "port", "debug")]
    if unknown:
        raise KeyError(f"no such setting: {unknown}")
    settings = {"port": 8080, "host": "127.0.0.1", "debug": False}
    if os.path.exists(path):
        with open(path, encoding="utf-8") as file:
            settings.update(json.load(file))
    for name in list(settings):
        variable = f"SHOP_{name.upper()}"
        if variable in os.environ:
            settings[name] = type(settings[name])(os.environ[variable])
    settings.update(overrides)
    return settings


def early__load_settings(path, overrides):
    settings = {"host": "127.0.0.1", "port": 8080, "debug": False}
    if os.path.exists(path):
        with open(path, encoding="utf-8") as file:
            settings.update(json.load(file))
    for name in list(settings):
        variable = f"SHOP_{name.upper()}"
        if variable not in os.environ:
            continue
        settings[name] = type(settings[name])(os.environ[variable])
    if not overrides:
        return settings
    for name, value in overrides.items():
        if name in settings:
            settings[name] = value
        else:
            raise KeyError(f"no such setting: {name}")
    return settings


class Settings:
    prefix = "SHOP_"

    def method__load_settings(self, path, overrides):
        self.values = {"host": "127.0.0.1", "port": 8080, "debug": False}
        if os.path.exists(path):
            with open(path, encoding="utf-8") as file:
                self.values.update(json.load(file))
        for name in list(self.values):
            variable = f"{self.prefix}{name.upper()}"
            if variable in os.environ:
                self.values[name] = type(self.values[name])(os.environ[variable])
        for name, value in overrides.items():
            if name not in self.values:
                raise KeyError(f"no such setting: {name}")
            self.values[name] = value
        return self.values


# --- mask_secrets


def renamed__mask_secrets(entry, words):
    safe = {}
    for field, content in entry.items():
        small = field.lower()
        if any(word in small for word in words):
            safe[field] = "***" if content else content
        elif isinstance(content, dict):
            safe[field] = renamed__mask_secrets(content, words)
        elif isinstance(content, list):
            safe[field] = [renamed__mask_secrets(x, words) if isinstance(x, dict) else x for x in content]
        else:
            safe[field] = content
    return safe


def early__mask_secrets(record, names):
    clean = {}
    for key, value in record.items():
        if any(name in key.lower() for name in names):
            clean[key] = "***" if value else value
            continue
        if isinstance(value, dict):
            clean[key] = early__mask_secrets(value, names)
            continue
        if not isinstance(value, list):
            clean[key] = value
            continue
        clean[key] = []
        for item in value:
            clean[key].append(early__mask_secrets(item, names) if isinstance(item, dict) else item)
    return clean


def split__mask_secrets(record, names):
    def one(key, value):
        if any(name in key.lower() for name in names):
            return "***" if value else value
        if isinstance(value, dict):
            return split__mask_secrets(value, names)
        if isinstance(value, list):
            return [split__mask_secrets(item, names) if isinstance(item, dict) else item for item in value]
        return value

    return {key: one(key, value) for key, value in record.items()}


# --- route_of


def renamed__route_of(url, routes):
    given_parts = [p for p in url.split("/") if p]
    for template, target in routes:
        template_parts = [p for p in template.split("/") if p]
        if len(template_parts) != len(given_parts):
            continue
        found = {}
        for t, g in zip(template_parts, given_parts):
            if t.startswith("{") and t.endswith("}"):
                found[t[1:-1]] = g
            elif t != g:
                break
        else:
            return target, found
    raise LookupError(f"no route to {url}")


def flagged__route_of(path, table):
    wanted = [part for part in path.split("/") if part]
    for pattern, handler in table:
        parts = [part for part in pattern.split("/") if part]
        if len(parts) == len(wanted):
            values, fits = {}, True
            for part, given in zip(parts, wanted):
                if part.startswith("{") and part.endswith("}"):
                    values[part[1:-1]] = given
                elif part != given:
                    fits = False
            if fits:
                return handler, values
    raise LookupError(f"no route to {path}")


def logged__route_of(path, table):
    logger.debug("looking for %s", path)
    wanted = list(filter(None, path.split("/")))
    for pattern, handler in table:
        logger.debug("trying %s", pattern)
        parts = list(filter(None, pattern.split("/")))
        if len(parts) != len(wanted):
            logger.debug("other length")
            continue
        values = {}
        for part, given in zip(parts, wanted):
            if part.startswith("{") and part.endswith("}"):
                values[part[1:-1]] = given
            elif part != given:
                break
        else:
            logger.info("%s -> %s", path, handler)
            return handler, values
    raise LookupError(path)


# --- expire_sessions


def comprehended__expire_sessions(sessions, moment, idle_limit, age_limit):
    old = [
        key
        for key, one in sessions.items()
        if (moment - one.seen).total_seconds() > idle_limit or (moment - one.begun).total_seconds() > age_limit
    ]
    for key in old:
        one = sessions.pop(key)
        one.socket.close(code=4001, reason="expired")
    return len(old)


async def awaited__expire_sessions(store, now, idle_s, longest_s):
    gone = []
    for token, session in store.items():
        idle = (now - session.seen).total_seconds()
        age = (now - session.begun).total_seconds()
        if idle > idle_s or age > longest_s:
            gone.append(token)
    for token in gone:
        session = store.pop(token)
        await session.socket.close(code=4001, reason="expired")
    logger.info("%s sessions expired", len(gone))
    return len(gone)


def early__expire_sessions(store, now, idle_s, longest_s):
    gone = []
    for token, session in store.items():
        if (now - session.seen).total_seconds() <= idle_s and (now - session.begun).total_seconds() <= longest_s:
            continue
        gone.append(token)
    if not gone:
        return 0
    for token in gone:
        store.pop(token).socket.close(code=4001, reason="expired")
    return len(gone)


class Sessions:
    def method__expire_sessions(self, now):
        gone = []
        for token, session in self.store.items():
            idle = (now - session.seen).total_seconds()
            age = (now - session.begun).total_seconds()
            if idle > self.idle_s or age > self.longest_s:
                gone.append(token)
        for token in gone:
            session = self.store.pop(token)
            session.socket.close(code=4001, reason="expired")
        self.log.info("%s sessions expired", len(gone))
        return len(gone)


# --- page_of


def renamed__page_of(rows, number, per_page):
    if per_page < 1 or per_page > 100:
        raise ValueError("between 1 and 100 items on a page")
    count = max(1, -(-len(rows) // per_page))
    if number < 1 or number > count:
        raise IndexError(f"there are {count} pages")
    offset = (number - 1) * per_page
    refs = {"self": f"?page={number}", "first": "?page=1", "last": f"?page={count}"}
    if number > 1:
        refs["previous"] = f"?page={number - 1}"
    if number < count:
        refs["next"] = f"?page={number + 1}"
    return {"items": rows[offset : offset + per_page], "total": len(rows), "links": refs}


def reordered__page_of(items, page, size):
    total = len(items)
    if not 1 <= size <= 100:
        raise ValueError("between 1 and 100")
    pages = max(1, -(-total // size))
    if not 1 <= page <= pages:
        raise IndexError("no such page")
    links = {"first": "?page=1", "last": f"?page={pages}", "self": f"?page={page}"}
    if page < pages:
        links["next"] = f"?page={page + 1}"
    if page > 1:
        links["previous"] = f"?page={page - 1}"
    start = (page - 1) * size
    return {"total": total, "links": links, "items": items[start : start + size]}


def inlined__page_of(request, items, render):
    """Pasted into a handler."""
    page, size = int(request.query.get("page", 1)), int(request.query.get("size", 20))
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
    shown = [render(item, request.locale) for item in items[start : start + size]]
    request.cache.store(request.path, page, shown)
    return {"items": shown, "total": len(items), "links": links}


# --- check_token


def renamed__check_token(jwt, secrets, expected_audience):
    try:
        h, b, s = jwt.split(".")
    except ValueError:
        raise PermissionError("not a token") from None
    meta = json.loads(base64.urlsafe_b64decode(h + "=="))
    secret = secrets.get(meta.get("kid"))
    if secret is None:
        raise PermissionError("unknown signer")
    wanted = hmac.new(secret, f"{h}.{b}".encode("ascii"), hashlib.sha256).digest()
    if not hmac.compare_digest(wanted, base64.urlsafe_b64decode(s + "==")):
        raise PermissionError("bad signature")
    content = json.loads(base64.urlsafe_b64decode(b + "=="))
    if content.get("aud") != expected_audience:
        raise PermissionError("bad audience")
    if content.get("exp", 0) < time.time():
        raise PermissionError("expired")
    return content


def quiet__check_token(token, keys, audience):
    parts = token.split(".")
    if len(parts) != 3:
        return None
    head, body, signature = parts
    header = json.loads(base64.urlsafe_b64decode(head + "=="))
    key = keys.get(header.get("kid"))
    if key is None:
        return None
    expected = hmac.new(key, f"{head}.{body}".encode("ascii"), hashlib.sha256).digest()
    if not hmac.compare_digest(expected, base64.urlsafe_b64decode(signature + "==")):
        return None
    claims = json.loads(base64.urlsafe_b64decode(body + "=="))
    if claims.get("aud") == audience and claims.get("exp", 0) >= time.time():
        return claims
    return None


def helped__check_token(token, keys, audience):
    def decoded(part):
        return base64.urlsafe_b64decode(part + "==")

    try:
        head, body, signature = token.split(".")
    except ValueError as error:
        raise PermissionError("not a token") from error
    header = json.loads(decoded(head))
    key = keys.get(header.get("kid"))
    if key is None:
        raise PermissionError("signed by nobody we know")
    expected = hmac.new(key, f"{head}.{body}".encode("ascii"), hashlib.sha256).digest()
    if not hmac.compare_digest(expected, decoded(signature)):
        raise PermissionError("the signature is wrong")
    claims = json.loads(decoded(body))
    if claims.get("aud") != audience:
        raise PermissionError("meant for somebody else")
    if claims.get("exp", 0) < time.time():
        raise PermissionError("expired")
    return claims
