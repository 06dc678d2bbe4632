"""Rule `image.import`: what the service imports of its own from the start on is in its image."""

from __future__ import annotations

import posixpath
import re
import sys
import tomllib
from collections.abc import Iterator
from itertools import groupby

from untilgreen.build import dockerfile
from untilgreen.build.gate.context import Context
from untilgreen.build.gate.modules import Modules
from untilgreen.build.gate.reach import Lack, Walk
from untilgreen.build.gate.sidefiles import is_side_file
from untilgreen.build.gitrules import GIT_FILE, parse_git_rules, split_by_git_rules
from untilgreen.model.delivery import GateFinding

RULE = "image.import"

_RECIPES = ("pyproject.toml", "setup.py", "setup.cfg", "Makefile")
_GENERATED = re.compile(r"_pb2(?:_grpc)?\.py$")
_NAME = re.compile(r"^\s*([A-Za-z0-9][\w.-]*)", re.MULTILINE)


def imports(context: Context) -> Iterator[GateFinding]:
    """Follow the imports from the start command on, or of all files when nothing tells what is started."""
    walk = _walk(context)
    yield from _missing_start(context)
    lacks = [lack for lack in walk.lacks if not _is_foreign(context, lack)]
    kept_out = sorted((x for x in lacks if x.kept_out), key=lambda x: (*_rule_of(context, x), not x.sure))
    for _, same_rule in groupby(kept_out, key=lambda x: _rule_of(context, x)):
        yield _excluded(context, list(same_rule))
    absent = sorted((x for x in lacks if not x.kept_out), key=lambda x: (x.path, not x.sure))
    for _, same_path in groupby(absent, key=lambda x: x.path):
        yield _absent(context, next(same_path))
    broken = {diagnostic.path for diagnostic in context.diagnostics}
    for path in sorted(set(walk.unread) - broken - set(context.unreadable)):
        message = (
            f"{context.build.in_repository(path)} uses syntax that the Python of untilgreen does not know, so its "
            f"imports were not looked at. Run untilgreen with Python {context.python.version}."
        )
        yield context.finding(RULE, message, path, blocking=False)


def _walk(context: Context) -> Walk:
    """Begin where the container begins; without that, at every file that is no test, as if all were started."""
    start = context.start
    if start.entries:
        walk = Walk(Modules(start.files, context.texts, start.roots, context.kept), context.kept)
        for entry in start.entries:
            around = walk.modules.around(entry.path) if entry.imported else ()
            for path, main in (*((init, False) for init in around), (entry.path, entry.main)):
                if start.files[path] in context.kept:
                    walk.begin(path, main=main)
                else:
                    walk.lacks.append(Lack(start.file, start.line, start.command, start.files[path], True, True))
    else:
        everything = {f"/{path}": path for path in (*context.build.kept, *context.excluded)}
        walk = Walk(Modules(everything, context.texts, ("/", "/src"), context.kept), context.kept, besides=True)
        for path in context.build.kept:
            if path.endswith(".py") and path in context.texts and not is_side_file(path):
                walk.begin(f"/{path}", main=False)
    walk.finish()
    return walk


def _missing_start(context: Context) -> Iterator[GateFinding]:
    """Report a script that the Procfile starts and nobody has committed; a Dockerfile may make one."""
    start = context.start
    for script in start.missing if start.file != dockerfile.NAME else ():
        place = f"{context.build.in_repository(start.file)}:{start.line}"
        message = f"{place} starts {script}, and the commit has no such file. Correct the command, or commit the file."
        yield context.finding(RULE, message, start.file, start.line)


def _rule_of(context: Context, lack: Lack) -> tuple[str, int]:
    exclusion = context.excluded[lack.path]
    return exclusion.rule_file, exclusion.line


def _excluded(context: Context, lacks: list[Lack]) -> GateFinding:
    """Report one line of an ignore file by the first import that it breaks."""
    lack, exclusion = lacks[0], context.excluded[lacks[0].path]
    others = len({other.path for other in lacks}) - 1
    more = f" and {others} more that are asked for" if others else ""
    message = (
        f"{context.build.in_repository(lack.importer)}:{lack.line} asks for {lack.module}, and "
        f"{exclusion.rule_file}:{exclusion.line} ({exclusion.rule}) keeps {context.build.in_repository(lack.path)}"
        f"{more} out of the image. Let the line exclude less."
    )
    blocking = lack.sure and not context.start.other and not _made_by_dockerfile(context, lack.path)
    found = context.finding(RULE, message, lack.importer, lack.line, blocking=blocking)
    return found.model_copy(update={"exclusion": exclusion})


def _absent(context: Context, lack: Lack) -> GateFinding:
    """Report a module of the service's own package that no file holds."""
    name = posixpath.basename(lack.path)
    uncommitted = any(path.endswith(f"/{name}") or path == name for path in context.uncommitted)
    why = "it is not committed" if uncommitted else "the commit has no such file"
    message = (
        f"{context.build.in_repository(lack.importer)}:{lack.line} asks for {lack.module}, and {why} "
        f"({context.build.in_repository(lack.path)}). Commit it, or remove the import."
    )
    # A file that nobody is known to import may be dead, and break nothing.
    blocking = lack.sure and bool(context.start.entries) and not _made_in_build(context, lack.path)
    return context.finding(RULE, message, lack.importer, lack.line, blocking=blocking)


def _is_foreign(context: Context, lack: Lack) -> bool:
    """Tell whether a library of that name is there as well: then nobody can tell which one is meant."""
    name = lack.module.partition(".")[0]
    return lack.kept_out and (name in sys.stdlib_module_names or _normal(name) in _requirements(context))


def _requirements(context: Context) -> set[str]:
    """Return the names of the libraries that the service asks for."""
    lines = "\n".join(text for path, text in context.texts.items() if path.endswith("requirements.txt"))
    try:
        data = tomllib.loads(context.texts.get("pyproject.toml", ""))
    except tomllib.TOMLDecodeError:
        data = {}
    project = data.get("project", {}).get("dependencies", [])
    poetry = data.get("tool", {}).get("poetry", {}).get("dependencies", {})
    return {_normal(name) for name in _NAME.findall("\n".join([lines, *map(str, project), *map(str, poetry)]))}


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "_", name).lower()


def _made_by_dockerfile(context: Context, path: str) -> bool:
    """Tell whether a RUN or a copy from another stage names a file: then the image may hold it all the same."""
    if context.start.file != dockerfile.NAME:
        return False
    made = [
        i.rest
        for i in dockerfile.instructions(context.texts.get(dockerfile.NAME, ""))
        if i.name == "RUN" or (i.name == "COPY" and i.rest.startswith("--from"))
    ]
    words = {part for part in path.removesuffix(".py").split("/") if part not in ("", "__init__", "src", "app")}
    named = any(re.search(rf"\b{re.escape(word)}\b", text) for word in words for text in made)
    return named or (bool(_GENERATED.search(path)) and any("proto" in text for text in made))


def _made_in_build(context: Context, path: str) -> bool:
    """Tell whether a file that nobody commits is made on the way: a recipe names it, or git ignores it."""
    name = posixpath.basename(path)
    recipes = "\n".join(context.texts.get(recipe, "") for recipe in _RECIPES)
    ignored = _ignored(context.texts.get(GIT_FILE, ""), path) or _ignored(
        context.gitignore, context.build.in_repository(path)
    )
    return name in recipes or ignored or bool(_GENERATED.search(name)) or _made_by_dockerfile(context, path)


def _ignored(text: str, path: str) -> bool:
    rules = parse_git_rules(text, GIT_FILE, lambda _: "")
    return bool(split_by_git_rules([path], rules)[1])
