"""Depot: where the parcels are. Its database outlives it; `python migrate.py FILE` runs before a release."""

import logging
import os

import manifests
import outbox
import parcels
import reports
import search
import uvicorn
from serving import ROUTES, answer, get
from starlette.applications import Starlette

logger = logging.getLogger("depot")


@get("/health")
def health(_request):
    return answer({"status": "ok"})


app = Starlette(routes=ROUTES)

if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    port = int(os.environ.get("PORT", "8080"))
    logger.info("depot starts with %s", ", ".join(m.__name__ for m in (manifests, parcels, reports, search)))
    outbox.start()
    host = os.environ.get("HOST", "127.0.0.1")
    uvicorn.run(app, host=host, port=port, access_log=False, lifespan="off", log_config=None)
