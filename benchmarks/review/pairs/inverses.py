"""Pairs of functions that look alike and do the opposite: `one__pair` and `other__pair`. None repeats its partner."""

import base64
import json
import struct
import zlib
from decimal import Decimal


def one__best_order(orders, since):
    best = None
    for order in orders:
        if order.placed < since or order.cancelled:
            continue
        if order.currency != "EUR":
            raise ValueError(f"{order.number} is not in euros")
        amount = order.amount * order.quantity
        if best is None or amount > best.amount * best.quantity:
            best = order
    return best


def other__best_order(orders, since):
    best = None
    for order in orders:
        if order.placed < since or order.cancelled:
            continue
        if order.currency != "EUR":
            raise ValueError(f"{order.number} is not in euros")
        amount = order.amount * order.quantity
        if best is None or amount < best.amount * best.quantity:
            best = order
    return best


def one__frame(message, kind):
    body = json.dumps(message, separators=(",", ":")).encode("utf-8")
    if len(body) > 65535:
        raise ValueError("too long")
    packed = zlib.compress(body)
    checked = struct.pack(">BHI", kind, len(packed), zlib.crc32(packed))
    return base64.b64encode(checked + packed).decode("ascii")


def other__frame(text):
    raw = base64.b64decode(text.encode("ascii"))
    kind, length, check = struct.unpack(">BHI", raw[:7])
    packed = raw[7:]
    if len(packed) != length or zlib.crc32(packed) != check:
        raise ValueError("damaged")
    body = zlib.decompress(packed)
    return kind, json.loads(body.decode("utf-8"))


def one__stock(store, lines, log):
    for line in lines:
        item = store.get(line.article)
        if item is None:
            raise KeyError(line.article)
        item.quantity += line.quantity
        item.value += line.quantity * line.price
        store.put(line.article, item)
    return sum(line.quantity * line.price for line in lines)


def other__stock(store, lines, log):
    for line in lines:
        item = store.get(line.article)
        if item is None:
            raise KeyError(line.article)
        item.quantity -= line.quantity
        item.value -= line.quantity * line.price
        store.put(line.article, item)
    return sum(line.quantity * line.price for line in lines)


def one__rows(rows, key, codec):
    result = []
    for row in rows:
        fields = {}
        for name, value in row.items():
            if name in codec.plain:
                fields[name] = value
            else:
                fields[name] = codec.encrypt(key, value.encode("utf-8")).decode("ascii")
        result.append(fields)
    return result


def other__rows(rows, key, codec):
    result = []
    for row in rows:
        fields = {}
        for name, value in row.items():
            if name in codec.plain:
                fields[name] = value
            else:
                fields[name] = codec.decrypt(key, value.encode("ascii")).decode("utf-8")
        result.append(fields)
    return result


def one__members(group, people, audit):
    changed = []
    for person in people:
        if person.id in group.members:
            continue
        group.members.add(person.id)
        person.groups.add(group.id)
        audit.write("group", group.id, person.id)
        changed.append(person.id)
    group.version += 1
    return changed


def other__members(group, people, audit):
    changed = []
    for person in people:
        if person.id not in group.members:
            continue
        group.members.discard(person.id)
        person.groups.discard(group.id)
        audit.write("group", group.id, person.id)
        changed.append(person.id)
    group.version += 1
    return changed


def one__shift(text, key, alphabet):
    size = len(alphabet)
    result = []
    for position, letter in enumerate(text):
        if letter not in alphabet:
            result.append(letter)
            continue
        step = alphabet.index(key[position % len(key)])
        result.append(alphabet[(alphabet.index(letter) + step) % size])
    return "".join(result)


def other__shift(text, key, alphabet):
    size = len(alphabet)
    result = []
    for position, letter in enumerate(text):
        if letter not in alphabet:
            result.append(letter)
            continue
        step = alphabet.index(key[position % len(key)])
        result.append(alphabet[(alphabet.index(letter) - step) % size])
    return "".join(result)


def one__page(cursor, table, size, after):
    rows = cursor.select(table, after=after, limit=size + 1)
    more = len(rows) > size
    rows = rows[:size]
    token = rows[-1].id if more else None
    if not rows and after is not None:
        raise LookupError(f"nothing after {after}")
    return {"rows": [row.as_dict() for row in rows], "next": token}


def other__page(cursor, table, size, before):
    rows = cursor.select(table, before=before, limit=size + 1)
    more = len(rows) > size
    rows = rows[-size:]
    token = rows[0].id if more else None
    if not rows and before is not None:
        raise LookupError(f"nothing before {before}")
    return {"rows": [row.as_dict() for row in rows], "previous": token}


def one__service(manager, names, timeout):
    started = []
    for name in names:
        unit = manager.unit(name)
        if unit.state == "running":
            continue
        unit.start()
        if not unit.wait("running", timeout):
            raise TimeoutError(f"{name} did not start")
        started.append(name)
    manager.report("started", started)
    return started


def other__service(manager, names, timeout):
    stopped = []
    for name in names:
        unit = manager.unit(name)
        if unit.state == "stopped":
            continue
        unit.stop()
        if not unit.wait("stopped", timeout):
            raise TimeoutError(f"{name} did not stop")
        stopped.append(name)
    manager.report("stopped", stopped)
    return stopped


def one__flags(features, user, rules):
    for rule in rules:
        feature = features.get(rule.feature)
        if feature is None or not rule.matches(user):
            continue
        if rule.share > user.bucket % 100:
            feature.enabled = True
            feature.users.append(user.id)
    return [name for name, feature in features.items() if feature.enabled]


def other__flags(features, user, rules):
    for rule in rules:
        feature = features.get(rule.feature)
        if feature is None or not rule.matches(user):
            continue
        if rule.share > user.bucket % 100:
            feature.enabled = False
            feature.users.remove(user.id)
    return [name for name, feature in features.items() if not feature.enabled]


def one__every(checks, request, context):
    for check in checks:
        if check.path and not request.path.startswith(check.path):
            continue
        outcome = check.run(request, context)
        context.notes.extend(outcome.notes)
        if not outcome.passed:
            return False
    return True


def other__every(checks, request, context):
    for check in checks:
        if check.path and not request.path.startswith(check.path):
            continue
        outcome = check.run(request, context)
        context.notes.extend(outcome.notes)
        if outcome.passed:
            return True
    return False


def one__units(table, amount, unit):
    if unit not in table:
        raise ValueError(f"no such unit: {unit}")
    factor, offset = table[unit]
    value = Decimal(amount) * factor + offset
    if value.is_nan() or value.is_infinite():
        raise ArithmeticError("not a number")
    return value.quantize(Decimal("0.001"))


def other__units(table, amount, unit):
    if unit not in table:
        raise ValueError(f"no such unit: {unit}")
    factor, offset = table[unit]
    value = (Decimal(amount) - offset) / factor
    if value.is_nan() or value.is_infinite():
        raise ArithmeticError("not a number")
    return value.quantize(Decimal("0.001"))


def one__lease(pool, owner, now, seconds):
    with pool.lock:
        lease = pool.leases.get(owner)
        if lease is not None and lease.until > now:
            raise RuntimeError(f"{owner} has one until {lease.until}")
        slot = pool.free.pop()
        pool.leases[owner] = pool.lease(slot, now, now + seconds)
        pool.metrics.acquired.inc()
    return slot


def other__lease(pool, owner, now, seconds):
    with pool.lock:
        lease = pool.leases.get(owner)
        if lease is None or lease.until <= now:
            raise RuntimeError(f"{owner} has none")
        slot = lease.slot
        pool.free.append(slot)
        del pool.leases[owner]
        pool.metrics.released.inc()
    return slot


def one__export(session, folder, since):
    count = 0
    for row in session.rows("articles", since):
        file = folder / f"{row.id}.json"
        if file.exists() and not row.changed:
            continue
        file.write_text(json.dumps(row.fields), "utf-8")
        count += 1
    session.note("exported", count)
    return count


def other__export(session, folder, since):
    count = 0
    for file in folder.glob("*.json"):
        if file.stat().st_mtime < since:
            continue
        fields = json.loads(file.read_text("utf-8"))
        session.put("articles", file.stem, fields)
        count += 1
    session.note("imported", count)
    return count


def one__trim(readings, limit, window):
    kept = []
    for index, reading in enumerate(readings):
        around = readings[max(0, index - window) : index + window + 1]
        mean = sum(one.value for one in around) / len(around)
        if abs(reading.value - mean) <= limit:
            kept.append(reading)
    return sorted(kept, key=lambda reading: reading.at)


def other__trim(readings, limit, window):
    kept = []
    for index, reading in enumerate(readings):
        around = readings[max(0, index - window) : index + window + 1]
        mean = sum(one.value for one in around) / len(around)
        if abs(reading.value - mean) > limit:
            kept.append(reading)
    return sorted(kept, key=lambda reading: reading.at, reverse=True)
