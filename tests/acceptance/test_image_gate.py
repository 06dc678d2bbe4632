"""The image gate in a whole loop: what cannot start is refused before anything is built, explained, and mended."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.acceptance.shop_project import FILES, SERVICE, SETTINGS, Done, commit

pytestmark = pytest.mark.slow

FIX = """\
Author: Ann
Title: Let the prices into the image.
Breaks: file_excluded shop/.dockerignore *

diff --git a/shop/.dockerignore b/shop/.dockerignore
--- a/shop/.dockerignore
+++ b/shop/.dockerignore
@@ -1,2 +1 @@
 *.md
-**/prices/
"""

HEAD, PRICE, LISTEN = SERVICE.partition("\ndef price(item):\n    return len(item) * 10\n")


def write(root: Path, files: dict[str, str]) -> None:
    """Write files into a folder."""
    for path, content in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(content)


def test_an_ignored_package_is_caught_before_the_rollout(tmp_path: Path, untilgreen: Callable[..., Done]) -> None:
    """One incident with the line and the commit that brought it, everything else masked; its fix makes it green."""
    root = tmp_path / "shop"
    files = {
        **FILES,
        "untilgreen.yaml": SETTINGS + "fixers: [{kind: patch_queue, folder: fixes}]\n",
        "fixes/0001-let-the-prices-in.patch": FIX,
        "shop/main.py": f"from prices import price\n{HEAD}{LISTEN}",
        "shop/prices/__init__.py": PRICE,
        "shop/.dockerignore": "*.md\n",
    }
    write(root, files)
    commit(root, "begin")
    write(root, {"shop/.dockerignore": "*.md\n**/prices/\n"})
    commit(root, "tidy the context")

    done = untilgreen("run", "--repo", root, "--json")

    assert done.code == 0, done.err
    refused, green = json.loads(done.out)["cycles"]
    (incident,) = [cause for cause in refused["causes"] if cause["state"] == "new"]
    assert refused["color"] == "broken"
    assert incident["key"] == "shop is refused: shop/.dockerignore keeps prices/__init__.py out of the image"
    assert incident["leaf"]["type"] == "regressed_by"
    assert "keeps shop/prices/__init__.py out of the image" in done.err
    assert green["counts"] == {"collected": 6, "passed": 6}
