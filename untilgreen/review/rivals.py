"""Rival explanations: those that an analysis names, and those that the evidence holds whether it names them or not."""

from __future__ import annotations

import re
from collections.abc import Iterator

from untilgreen.model.analysis import Finding, Truth
from untilgreen.model.claims import Claim, FileExcluded, ResourceExhausted, SecretMissing
from untilgreen.model.evidence import Case, Entry, ImageContent, Secret
from untilgreen.review.claims import judge
from untilgreen.review.dossier import Chain
from untilgreen.review.scene import errors

_NO_MODULE = re.compile(r"No module named ['\"]([\w.]+)['\"]")


def rivals(chain: Chain) -> Iterator[Finding]:
    """No rival that it names is left open."""
    own = _own(chain)
    for rival in chain.analysis.rivals:
        claim, judgement = rival.claim, judge(rival.claim, chain.bundle)
        name = f"{claim.type} {claim.subject}"
        if (claim.type, claim.subject) in own:
            continue
        if judgement.truth is Truth.REFUTED:
            message, truth = f"the rival {name} is ruled out: {judgement.message}", Truth.SUPPORTED
        else:
            message, truth = f"the rival {name} is not ruled out: {judgement.message}", Truth.UNPROVEN
        yield Finding(rule="chain.rivals", truth=truth, message=message, evidence=judgement.evidence)


def unnamed(chain: Chain) -> Iterator[Finding]:
    """No fact of the platform explains the same failures while the chain passes over it."""
    own = _own(chain)
    for claim in _facts(chain):
        judgement = judge(claim, chain.bundle)
        named = isinstance(claim, SecretMissing) and any(claim.subject == subject for _, subject in own)
        if (claim.type, claim.subject) not in own and not named and judgement.truth is Truth.SUPPORTED:
            message = f"passes over {claim.type} {claim.subject}: {judgement.message}"
            ids = judgement.evidence
            yield Finding(rule="chain.unnamed", truth=Truth.UNPROVEN, message=message, evidence=ids)


def _own(chain: Chain) -> set[tuple[str, str]]:
    return {(why.claim.type, why.claim.subject) for why in chain.analysis.whys}


def _facts(chain: Chain) -> Iterator[Claim]:
    """Go through what the platform and the images tell about the services of the chain.

    An import that fails is explained by a file that was kept out. Secrets and memory come into question only
    where no traceback shows the leaf: a second, independent fault must not stop the first one's fix.
    """
    services = sorted({getattr(why.claim, "service", "") for why in chain.analysis.whys} - {""})
    for service in services:
        yield from _kept_out(chain, service)
    if any(isinstance(item, Entry | Case) for item in chain.judgements[chain.analysis.leaf.number].for_):
        return
    for secret in chain.bundle.find(Secret):
        if secret.status.service in services and not secret.status.usable:
            yield SecretMissing(service=secret.status.service, env=secret.status.binding.env)
    for service in services:
        yield ResourceExhausted(service=service, resource="memory", blocked="request")


def _kept_out(chain: Chain, service: str) -> Iterator[Claim]:
    """Go through the excluded files whose absence the service's errors name."""
    messages = [entry.raised.message for entry in errors(chain.bundle, service) if entry.raised]
    modules = {name.replace(".", "/") for message in messages for name in _NO_MODULE.findall(message)}
    named = {why.claim.rule_file for why in chain.analysis.whys if isinstance(why.claim, FileExcluded)}
    for image in chain.bundle.find(ImageContent, service=service):
        for e in image.excluded:
            ends = {f"/{module}{end}" for module in modules for end in (".py", "/__init__.py")}
            if e.rule_file not in named and f"/{e.path}".endswith(tuple(ends) or ("/",)):
                yield FileExcluded(service=service, path=e.path, rule_file=e.rule_file, line=e.line)
