"""Code blocks of a page. What stands after the language says what a test does with them.

```sh run             the commands are run; `exit=N` behind it names another exit code than 0
```text expect        each of its lines stands in what the block before printed, in this order; `...` stands for
                      anything
```python run         runs in one Python with all other such blocks of the page
```yaml file=PATH     the file is written
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

_BLOCK = re.compile(r"^```(\w+)([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """One block.

    Attributes:
        language: first word of its info string.
        words: the others.
        text: what stands in it.
    """

    language: str
    words: tuple[str, ...]
    text: str

    def option(self, name: str) -> str:
        """Return what `name=...` says; empty when it is not there."""
        return next((word.partition("=")[2] for word in self.words if word.startswith(f"{name}=")), "")


def blocks(page: Path) -> list[Block]:
    """Return all blocks of a page that name a language."""
    return [Block(found[1], tuple(found[2].split()), found[3]) for found in _BLOCK.finditer(page.read_text("utf-8"))]


def missing(expected: str, printed: str) -> list[str]:
    """Return the expected lines that do not stand in the printed text in their order."""
    place, absent = 0, []
    for line in filter(None, (line.strip() for line in expected.splitlines())):
        if line == "...":
            continue
        pattern = ".*?".join(re.escape(part) for part in line.split("..."))
        found = re.compile(pattern).search(printed, place)
        if found:
            place = found.end()
        else:
            absent.append(line)
    return absent
