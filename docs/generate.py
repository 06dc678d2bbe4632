"""Writes docs/reference: what the program knows about itself is never written by hand."""  # noqa: INP001 - a script

from __future__ import annotations

import argparse
import inspect
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from untilgreen import errors
from untilgreen.cli import COMMANDS, app
from untilgreen.compare.show import schema as compare_schema
from untilgreen.review.rules import CHAIN, FIX, claims
from untilgreen.review.submitted import schema as analysis_schema
from untilgreen.review.verdict import schema as verdict_schema
from untilgreen.schema import settings_schema

FOLDER = Path(__file__).parent / "reference"
WIDTH = "100"
"""Columns of the help texts: GitHub shows about that many without a scroll bar."""
MADE = "<!-- Made by scripts/docs. Changes here are lost. -->"


def pages() -> dict[str, str]:
    """Return file name -> text of every page of the reference."""
    return {
        "cli.md": _cli(),
        "settings.md": _settings(settings_schema()),
        "exit-codes.md": _exit_codes(),
        "rules.md": _rules(),
        "analysis.schema.json": json.dumps(analysis_schema(), indent=1, ensure_ascii=False) + "\n",
        "compare.schema.json": json.dumps(compare_schema(), indent=1, ensure_ascii=False) + "\n",
        "verdict.schema.json": json.dumps(verdict_schema(), indent=1, ensure_ascii=False) + "\n",
        "untilgreen.schema.json": json.dumps(settings_schema(), indent=1, ensure_ascii=False) + "\n",
    }


def commands() -> list[str]:
    """Return the names of all commands."""
    return [command.__name__.rstrip("_") for command, _ in COMMANDS]


def _cli() -> str:
    parts = [f"# Command line\n\n{MADE}\n", _help()]
    parts += [f"## {name}\n\n{_help(name)}" for name in commands()]
    return "\n".join(parts)


def _help(*words: str) -> str:
    shown = CliRunner().invoke(app, [*words, "--help"], prog_name="untilgreen", env={"COLUMNS": WIDTH, "TERM": "dumb"})
    text = "\n".join(line.rstrip() for line in shown.stdout.strip().splitlines())
    return f"```text\n{text}\n```\n"


def _settings(schema: dict[str, Any]) -> str:
    lines = [
        "# Settings",
        "",
        MADE,
        "",
        "`untilgreen.yaml` at the root of the repository, as it is in the tested commit. Unknown keys are errors.",
        "`untilgreen init` writes a first one; [untilgreen.schema.json](untilgreen.schema.json) is for editors.",
        "Times are in seconds (`_s`). Paths are relative to the repository's root.",
        "",
        *_section("untilgreen.yaml", schema, schema["$defs"]),
    ]
    for name, part in _in_order(schema):
        lines += _section(name, part, schema["$defs"])
    return "\n".join(lines).rstrip() + "\n"


def _section(name: str, part: dict[str, Any], known: dict[str, Any]) -> Iterator[str]:
    yield from (f"## {name}", "", part.get("description", "").replace("\n", " "), "")
    yield from ("| key | type | default | what it is for |", "|---|---|---|---|")
    for key, field in part.get("properties", {}).items():
        needed = key in part.get("required", ())
        default = "**needed**" if needed else f"`{json.dumps(field.get('default'), ensure_ascii=False)}`"
        if isinstance(field.get("default"), dict) and field["default"]:
            default = "see there"
        yield f"| `{key}` | {_type(field)} | {default} | {_about(field, known)} |"
    yield ""


def _about(field: dict[str, Any], known: dict[str, Any]) -> str:
    """Return what a key is for: its own words, or those of the part that it holds."""
    words = field.get("description") or known[field["$ref"].rpartition("/")[2]]["description"]
    return " ".join(words.split()).replace("|", "\\|")


def _in_order(schema: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Return the parts in the order in which a reader meets them."""
    found: dict[str, dict[str, Any]] = {}

    def visit(part: Any) -> None:
        text = json.dumps(part.get("properties", {}))
        for name in re.findall(r'"#/\$defs/(\w+)"', text):
            if name not in found:
                found[name] = schema["$defs"][name]
                visit(found[name])

    visit(schema)
    return list(found.items())


def _type(field: dict[str, Any]) -> str:
    """Say in words what may stand there."""
    if "$ref" in field:
        return _link(field["$ref"])
    if "oneOf" in field or "anyOf" in field:
        return " or ".join(dict.fromkeys(_type(one) for one in field.get("oneOf") or field["anyOf"]))
    if "enum" in field or "const" in field:
        return " or ".join(f"`{value}`" for value in field.get("enum", [field.get("const")]))
    if field.get("type") == "array":
        return f"list of {_type(field['items'])}" if "items" in field else "list"
    if field.get("type") == "object":
        values = field.get("additionalProperties") or next(iter(field.get("patternProperties", {}).values()), {})
        return f"name: {_type(values)}"
    words = {"string": "text", "integer": "number", "number": "number", "boolean": "yes or no"}
    return words.get(field.get("type", ""), "anything") + _bounds(field)


def _link(reference: str) -> str:
    name = reference.rpartition("/")[2]
    return f"[{name}](#{name.lower()})"


def _bounds(field: dict[str, Any]) -> str:
    low, above, high = (field.get(key) for key in ("minimum", "exclusiveMinimum", "maximum"))
    if low is not None and high is not None:
        return f", {low} to {high}"
    if low is not None:
        return f", at least {low}"
    return f", above {above}" if above is not None else ""


_CODES = {
    0: "proven green; for `doctor`, `init` and `deploy`: all is well; for `review`: all approved",
    1: "tests fail, and the causes are in the report",
    2: "the command line, the settings or the repository are wrong",
    3: "the cloud: something could not be deployed, is not healthy, or may not be asked",
    4: "unproven: nothing was collected, or evidence that the verdict needs is missing",
    5: "every analysis or every fix was rejected",
    6: "waiting for a person's approval; for `review`: somebody has to look",
    130: "interrupted; what had finished is kept",
}


def _exit_codes() -> str:
    lines = ["# Exit codes", "", MADE, "", "| code | meaning |", "|---|---|"]
    lines += [f"| {code} | {meaning} |" for code, meaning in _CODES.items()]
    lines += ["", "What stops a command before it has a verdict is an error with one of these names:", ""]
    lines += ["| error | code | in short |", "|---|---|---|"]
    for kind in vars(errors).values():
        if inspect.isclass(kind) and issubclass(kind, errors.UntilgreenError) and kind is not errors.UntilgreenError:
            about = " ".join((kind.__doc__ or "").split())
            lines.append(f"| {kind.__name__} | {kind.exit_code} | {about} |")
    return "\n".join(lines) + "\n"


def _rules() -> str:
    parts = {"Claims of analyses": claims(), "Chains of analyses": CHAIN, "Fixes and diffs": FIX}
    lines = [
        "# Rules of the review",
        "",
        MADE,
        "",
        "What each finding of `untilgreen review` is about. Ids are stable.",
    ]
    for title, rules in parts.items():
        lines += ["", f"## {title}", "", "| rule | what it wants |", "|---|---|"]
        lines += [f"| `{rule}` | {meaning} |" for rule, meaning in sorted(rules.items())]
    lines += ["", "The result of `--json` has a schema, too: [verdict.schema.json](verdict.schema.json)."]
    return "\n".join(lines) + "\n"


README = Path(__file__).parents[1] / "README.md"
_DEMO = re.compile(r"(<!-- demo: .*? -->\n```text\n).*?(```\n<!-- end of demo -->)", re.DOTALL)
_TOLD = re.compile(
    r"^(?!.*still at it$) *[\d.]+s (suite +\d+ (failed|passed)|prove|triage|review +rejected|compare +(?!new)|gate"
    r"|fix +(approved|rejected)|deploy +\S+ (failed|refused)|report +cycle)|^green: "
)
"""Lines of a demo that tell its story: no signs of life, no single failures, no files of that machine."""
_WIDE = 118


def shortened(printed: str) -> str:
    """Return a demo's output with `...` where lines or the ends of lines are left out."""
    lines: list[str] = []
    for line in printed.splitlines():
        told = bool(_TOLD.match(line))
        if told:
            lines.append(line if len(line) <= _WIDE else f"{line[: _WIDE - 3]}...")
        elif lines[-1:] != ["..."]:
            lines.append("...")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Write the reference, and the README's demo when one is given."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--demo", type=Path, help="what `untilgreen demo` printed on both streams")
    demo = parser.parse_args().demo
    for name, text in pages().items():
        (FOLDER / name).write_text(text, "utf-8")
    if demo:
        block = shortened(demo.read_text("utf-8"))
        README.write_text(_DEMO.sub(lambda found: found[1] + block + found[2], README.read_text("utf-8")), "utf-8")


if __name__ == "__main__":
    main()
