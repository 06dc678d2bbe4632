"""Tells other systems what happened. What cannot be told is put aside."""

import json
import logging
import threading

from store import pool

logger = logging.getLogger("outbox")


def start():
    threading.Thread(target=drain, daemon=True).start()


def drain():
    """Go through what waits."""
    with pool.connection() as db:
        waiting = db.execute("SELECT rowid, body FROM outbox").fetchall()
    for row in waiting:
        tell(row)


def tell(row):
    try:
        message = json.loads(row["body"])
    except ValueError as error:
        logger.error("message %s cannot be told: %s", row["rowid"], error)
        return
    logger.info("told %s", message["event"])
