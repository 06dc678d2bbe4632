"""What a fix does to the images: the image gate's own rules, over the tree with the fix and over the one without."""

from __future__ import annotations

import re
from collections.abc import Iterator

from untilgreen.model.analysis import Finding
from untilgreen.model.delivery import GateFinding
from untilgreen.review.fixes.change import Change, stop

_LINE = re.compile(r":\d+")


def images_can_start(change: Change) -> Iterator[Finding]:
    """It brings nothing for which the image gate would refuse an image; what is wrong without it, it need not mend."""
    known = {_sort(finding) for finding in change.images.before if finding.blocking}
    for finding in change.images.after:
        if finding.blocking and _sort(finding) not in known:
            yield stop("image", f"the image gate would refuse {finding.service}: {finding.message}", *_places(finding))


def _sort(finding: GateFinding) -> tuple[str, ...]:
    """Return what a finding shares with itself in another tree: a fix may move the line that it is about."""
    return finding.service, finding.rule, finding.path, finding.key, _LINE.sub("", finding.message)


def _places(finding: GateFinding) -> list[str]:
    rule = finding.exclusion
    places = [(finding.path, finding.line)] + ([(rule.rule_file, rule.line)] if rule else [])
    return [f"{path}:{line}" for path, line in places if path]
