"""Writes untilgreen.yaml as a person would: each key explained once, each guess marked."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator

from untilgreen.init.bind import Bound, bind, bind_suite
from untilgreen.init.survey import ServiceSeen, SuiteSeen, Survey
from untilgreen.model.document import Document

SCHEMA = ".untilgreen/untilgreen.schema.json"
"""Where init puts the schema for editors, relative to the settings."""

SEED = "untilgreen.seed.yaml"
"""Where the emulator's first secrets are listed, relative to the repository's root."""

GUESS = "# guess: "

_BUILD = '"docker build --tag {image}:{commit} {context} && docker push {image}:{commit}"'

_PLAIN = re.compile(r"[A-Za-z_./][A-Za-z0-9_./-]*")
_UNPRINTABLE = re.compile(r"[^\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
_WORDS = frozenset({"true", "false", "yes", "no", "on", "off", "null", "y", "n"})


class Target(Document):
    """Where the services are to run."""

    project: str = ""
    """Empty for the emulator."""
    region: str = ""
    endpoint: str = ""


def draft(seen: Survey, target: Target) -> str:
    """Return the text of untilgreen.yaml."""
    bound = bind(seen.services)
    lines = [*_head(), *_cloud(target, bound), "", "services:"]
    for position, service in enumerate(seen.services):
        lines += _service(service, bound[service.name], target, explained=position == 0)
    lines += ["", *_suite(seen.suite, seen.services, bound), "", *_tail()]
    return "\n".join(lines) + "\n"


def draft_seed(seen: Survey) -> str:
    """Return the text of the emulator's seed file; empty when no service binds a secret."""
    readers: dict[str, list[str]] = {}
    for name, bound in bind(seen.services).items():
        for reference in bound.secrets.values():
            readers.setdefault(reference.partition(":")[0], []).append(_account(name))
    if not readers:
        return ""
    lines = ["# What the emulated project holds when it starts. Values are made up anew each time.", *_seed(readers)]
    return "\n".join(lines) + "\n"


def guesses(text: str) -> list[tuple[int, str]]:
    """Return each line, from 1, that holds a guess, with the guess."""
    numbered = enumerate(text.splitlines(), start=1)
    return [(number, line.split(GUESS, 1)[1]) for number, line in numbered if GUESS in line]


def _seed(readers: dict[str, list[str]]) -> Iterator[str]:
    yield "project: emulator-moon"
    yield "secrets:"
    for secret, accounts in sorted(readers.items()):
        yield f"  {_scalar(secret)}:"
        yield f"    generate: 32  {GUESS}a random text of this length will do; `value: ...` gives a certain one"
        yield f"    accessors: {_list(accounts)}"


def _head() -> Iterator[str]:
    yield f"# yaml-language-server: $schema={SCHEMA}"
    yield "# What untilgreen deploys, tests and proves. `untilgreen init` wrote it from what it saw in this folder."
    yield f"# A line with `{GUESS.strip()}` wants your eye. `untilgreen doctor` tries all of it without deploying."


def _cloud(target: Target, bound: dict[str, Bound]) -> Iterator[str]:
    yield ""
    yield "# Where services run: `emulator` lives on this machine for the time of a loop, `gcp` is Google Cloud."
    yield "cloud:"
    if target.project:
        yield "  target: gcp"
        yield f"  project: {_scalar(target.project)}"
        yield f"  region: {_scalar(target.region)}"
        return
    yield "  target: emulator"
    if target.endpoint:
        yield "  # An emulator that already runs; without this a loop starts its own."
        yield f"  endpoint: {_scalar(target.endpoint)}"
    elif any(one.secrets for one in bound.values()):
        yield "  # The secrets that the emulator starts with."
        yield f"  seed: {SEED}"


def _service(seen: ServiceSeen, bound: Bound, target: Target, *, explained: bool) -> Iterator[str]:
    yield f"  {_scalar(seen.name)}:"
    yield from _built(seen, target, explained=explained)
    yield from _reached(seen, explained=explained)
    if bound.secrets and not target.project:
        yield f"    account: {_scalar(seen.account or _account(seen.name))}"
    elif seen.account:
        yield f"    account: {_scalar(seen.account)}"
    if seen.memory:
        yield f"    memory: {_scalar(seen.memory)}"
    yield from _variables(seen, bound)


def _built(seen: ServiceSeen, target: Target, *, explained: bool) -> Iterator[str]:
    if explained:
        yield "    # The folder that becomes the image, relative to this file."
    yield f"    source: {_scalar(seen.source or '.')}{_source_guess(seen)}"
    if not seen.procfile and not target.project:
        start = f"`web: {seen.command or 'COMMAND'}`"
        yield _shown(f"    # The emulator starts processes: {seen.source or '.'}/Procfile must say {start}.")
    if explained:
        yield "    # Registry and name, without tag: images are deployed by digest."
    yield f"    image: {_scalar(seen.image or _image(seen, target))}{'' if seen.image else _image_guess(target)}"
    yield from _builder(seen, target, explained=explained)


def _builder(seen: ServiceSeen, target: Target, *, explained: bool) -> Iterator[str]:
    if seen.python:
        if explained:
            yield "    # The source is compiled for this Python before any rollout."
        yield f"    python: {_scalar(seen.python)}"
    if target.project:
        if explained:
            yield "    # Any command that builds, pushes and prints the digest."
        yield "    builder:"
        yield "      kind: command"
        yield f"      command: {_BUILD}  {GUESS}how you build"


def _source_guess(seen: ServiceSeen) -> str:
    if not seen.source:
        return f"  {GUESS}no folder of that name says how it starts"
    return "" if seen.certain else f"  {GUESS}it has source, and neither Dockerfile nor Procfile"


def _image(seen: ServiceSeen, target: Target) -> str:
    place = f"{target.region}-docker.pkg.dev/{target.project}/services" if target.project else "registry.example"
    return f"{place}/{seen.name}"


def _image_guess(target: Target) -> str:
    return (
        f"  {GUESS}your own repository's name" if target.project else f"  {GUESS}the emulator takes any; gcp does not"
    )


def _reached(seen: ServiceSeen, *, explained: bool) -> Iterator[str]:
    if explained:
        yield "    # The platform tells the container this port in $PORT."
    unsure = seen.port is None and not seen.reads_port
    yield f"    port: {seen.port or 8080}{f'  {GUESS}the source does not read PORT' if unsure else ''}"
    if explained:
        yield "    # Healthy is: this path answers 200 twice in a row. It is the startup probe as well."
    unknown = f"  {GUESS}no health path was found in the source"
    yield "    health:"
    yield f"      path: {seen.health or '/'}{'' if seen.health else unknown}"


def _variables(seen: ServiceSeen, bound: Bound) -> Iterator[str]:
    if bound.depends_on:
        yield f"    depends_on: {_list(bound.depends_on)}"
        yield "    env:"
        yield from (f'      {_scalar(name)}: "{{{other}.url}}"' for name, other in bound.env.items())
    if bound.secrets:
        known = {binding.env for binding in seen.secrets}
        yield "    secrets:"
        for name, reference in bound.secrets.items():
            guess = "" if name in known else f"  {GUESS}the name of the secret"
            yield f"      {_scalar(name)}: {_scalar(reference)}{guess}"
    if bound.needs:
        yield "    # The source cannot do without these: give each a value in `env` or a secret in `secrets`."
        yield f"    needs: {_list(bound.needs)}  {GUESS}nothing here gives them, so a rollout is refused"
    if bound.optional:
        yield f"    # It also reads, and can do without: {', '.join(bound.optional)}."


def _suite(seen: SuiteSeen | None, services: tuple[ServiceSeen, ...], bound: dict[str, Bound]) -> Iterator[str]:
    yield "# The end-to-end tests. They run as they are, in their own environment."
    yield "suite:"
    if seen is None:
        yield f"  path: e2e  {GUESS}no tests were found"
        return
    yield f"  path: {_scalar(seen.path)}{'' if seen.certain else f'  {GUESS}the folder whose tests call something'}"
    yield "  # The interpreter that has the tests' requirements; without it, the one that runs untilgreen."
    yield "  # python: /path/to/venv/bin/python"
    yield "  # Fewer tests than this are never green. Test functions were counted; parameters make more of them."
    yield f"  minimum: {max(seen.functions, 1)}"
    yield from _suite_env(seen, services, bound)


def _suite_env(seen: SuiteSeen, services: tuple[ServiceSeen, ...], bound: dict[str, Bound]) -> Iterator[str]:
    env, left = bind_suite(seen, services, bound)
    yield "  # `{name.url}` becomes the URL of the deployed service."
    if env:
        yield "  env:"
    else:
        name = services[0].name
        yield f'  # env: {{BASE_URL: "{{{name}.url}}"}}  {GUESS}the tests read no address from their environment'
    for name, (service, certain) in env.items():
        yield f'    {_scalar(name)}: "{{{service}.url}}"{"" if certain else f"  {GUESS}which service is meant"}'
    if left:
        yield f"  # The tests also read {', '.join(left)}: export them, or set them in `env`. No secrets here."


def _tail() -> Iterator[str]:
    yield "# Who says yes before a fix is committed to a branch: `ask` a person, `policy` (the review), or `never`."
    yield "approve:"
    yield "  mode: ask"


def _account(service: str) -> str:
    return f"{service}@emulator-moon.iam.gserviceaccount.com"


def _list(names: Iterable[str]) -> str:
    return f"[{', '.join(_scalar(name) for name in names)}]"


def _scalar(text: str) -> str:
    plain = _PLAIN.fullmatch(text) and text.lower() not in _WORDS
    return text if plain else _shown(json.dumps(text, ensure_ascii=False))


def _shown(text: str) -> str:
    """Return text that YAML lets stand on one line, in a comment as well: a folder may be called anything."""
    return _UNPRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
