"""A commit that an approver wants to use instead of what was offered: one more fix for the same gate."""

from __future__ import annotations

from itertools import takewhile

from untilgreen.errors import RepositoryError
from untilgreen.model.analysis import Analysis, Fix
from untilgreen.model.document import content_id
from untilgreen.ports import History

_MOST_COMMITS = 200
"""Between the tested commit and the one that is named; more is no fix but another branch."""


class NamedCommit:
    """A fixer that offers one commit.

    Args:
        history: the user's repository, where the commit must be already.
        name: a commit, tag or branch.
        base: full sha of the tested commit.
        instead: the fix that it replaces; it breaks the same why.

    Raises:
        RepositoryError: there is no such commit, it does not come after the tested one, or it changes nothing.
    """

    def __init__(self, history: History, name: str, base: str, instead: Fix) -> None:
        commit = history.resolve(name)
        if commit == base or not history.contains(commit, base):
            raise RepositoryError(f"{name} does not come after the tested commit {base[:12]}. Rebase it, then name it.")
        diff = history.diff(base, commit)
        if not diff.strip():
            raise RepositoryError(f"{name} changes nothing since the tested commit {base[:12]}.")
        self._fix = Fix(
            id=content_id("fix", diff),
            author=_authors(history, commit, base),
            title=history.log(commit, 1)[0].subject,
            analysis=instead.analysis,
            breaks=instead.breaks,
            diff=diff,
        )

    def propose(self, analysis: Analysis) -> tuple[Fix, ...]:
        """Offer the commit for the cause that the replaced fix was for."""
        return (self._fix,) if analysis.id == self._fix.analysis else ()


def _authors(history: History, commit: str, base: str) -> str:
    """Return everybody who wrote a part of it: nobody approves their own work by a last commit of somebody else's."""
    since = takewhile(lambda c: c.sha != base, history.log(commit, _MOST_COMMITS))
    return ", ".join(dict.fromkeys(c.author for c in since if not history.contains(base, c.sha)))
