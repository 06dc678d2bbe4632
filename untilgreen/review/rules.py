"""What each rule of the gates means: the ids are stable, so that findings can be counted, waived and linked to."""

from __future__ import annotations

from typing import get_args

from untilgreen.model.claims import Claim

CHAIN = {
    "chain.actionable": "A chain ends at something that can be changed, or says openly that the evidence stops.",
    "chain.bears": "A setting or a file that is blamed has to do with what failed, not only with what changed.",
    "chain.begins": "A chain begins at what was seen to go wrong: a line or a setting alone explains nothing.",
    "chain.brought": "What is said to have brought a failure changed something since the last good state.",
    "chain.current": "Cited evidence is of this cycle and of the revision under test.",
    "chain.exists": "Cited evidence exists.",
    "chain.failed": "The tests that a chain is about failed.",
    "chain.known": "Each service that a chain speaks of is one that this cycle knows, letter by letter.",
    "chain.linked": "Whys are numbered from 1, and each leads to the next without going round.",
    "chain.order": "A cause is not later than its effect.",
    "chain.quote": "Quotes stand in the evidence, letter by letter.",
    "chain.reached": "A cause can be reached from the failing tests.",
    "chain.relevant": "What a why cites is what shows its claim, or is about the same thing.",
    "chain.rivals": "Other explanations that the evidence supports were considered.",
    "chain.scope": "What is wrong all the time spares no passing test that went the same way.",
    "chain.unnamed": "What the evidence shows about the same tests is not passed over.",
}
"""On analyses, apart from their claims."""

FIX = {
    "fix.applies": "A diff applies to the commit that it is relative to.",
    "fix.bounds": "No pattern, declared bound, declared type or limit of a check becomes another.",
    "fix.case": "No two paths differ in nothing but the case of their letters.",
    "fix.checks": "No check is taken away or turned off.",
    "fix.class": "What is mended at one place is mended at all its siblings.",
    "fix.config_home": "An environment variable is read in one module of a service.",
    "fix.constant": "A constant that the registry names is defined in its home only.",
    "fix.data": "No stored data is deleted.",
    "fix.dead": "No condition is decided when it is written, and nothing stands where nobody comes.",
    "fix.default": "A setting that was needed stays needed.",
    "fix.dependency": "Nothing new is installed, and nothing from elsewhere than the package index.",
    "fix.diff": "A diff can be read, and names everything that it changes.",
    "fix.duplicate": "No function repeats one that the tree has.",
    "fix.empty": "At least one file is changed.",
    "fix.env": "An environment variable that the registry names is read in its home only.",
    "fix.except": "No handler swallows every error, in Python, in shell or elsewhere.",
    "fix.hidden": "No letters hide what is written.",
    "fix.hollow": "No function that computed something returns a constant instead.",
    "fix.image": "The image gate would not refuse an image for it.",
    "fix.limits": "A raised limit hides a cause, unless the limit is the cause.",
    "fix.mute": "Logs and warnings are not turned off: the next cycle needs them.",
    "fix.names": "It says which why it breaks, and the analysis has that why.",
    "fix.obscure": "No text is run as a program.",
    "fix.patches": "No part of a library is replaced while the program runs.",
    "fix.paths": "Only plain text files of the repository change: no links, modes, binaries, nothing of git's own.",
    "fix.primitive": "What the registry bans is not used.",
    "fix.redefined": "No second definition replaces a first one.",
    "fix.registry": "The registry can be used, and what it names is still there.",
    "fix.route": "No endpoint is taken away.",
    "fix.secrets": "No credential is added.",
    "fix.senses_tests": "The product does not behave otherwise when it is tested.",
    "fix.settings": "Who judges is not changed: of the loop's settings, services only.",
    "fix.sink": "What goes into a sink comes from its canonical function.",
    "fix.size": "It is small enough to be read.",
    "fix.special_case": "Nothing is decided by a value that only the tests have.",
    "fix.status": "An answer is not turned into a success after the fact.",
    "fix.symptom": "The very error that was found, or any where the defect is, is not caught in place of its cause.",
    "fix.syntax": "Every Python file that it touches can be parsed, by the image's Python and by this gate.",
    "fix.test_deleted": "No test is gone.",
    "fix.test_expects": "No test expects another value than before.",
    "fix.test_guarded": "No assertion stands under a new condition, in a `try`, or after a return.",
    "fix.test_patched": "No test replaces what it tests by a stand-in.",
    "fix.test_skipped": "No test is skipped or may fail.",
    "fix.test_waits": "No test waits longer or compares more loosely.",
    "fix.test_weakened": "No assertion is gone or says less.",
    "fix.tests": "Tests, what runs them, and CI are not touched, unless a test is what is wrong and a human agrees.",
    "fix.unbound": "No service is left without a variable that it needs.",
    "fix.undefined": "No name is used that nothing defines.",
    "fix.unread": "Every source can be read, so that the registry's rules could be held against it.",
    "fix.unreadable": "Every file that it touches is UTF-8 text.",
    "fix.unused": "No import is left that nothing uses.",
    "fix.waits": "Nothing sleeps or tries again until an error is gone.",
    "fix.weakened": "No check depends on more than before.",
}
"""On fixes and diffs."""

_HELP = {
    "claim": "The gate's own queries over the bundle decide, never the prose. See docs/howto/judge-an-analysis.md.",
    "chain": "A chain of whys is held together by rules of its own. See docs/howto/judge-an-analysis.md.",
    "fix": "`error` rejects, `warning` asks a human. See docs/howto/review-in-ci.md.",
}


def claims() -> dict[str, str]:
    """Return `claim.TYPE` -> what such a claim says, as the vocabulary has it."""
    kinds = get_args(get_args(Claim)[0])
    return {f"claim.{kind.model_fields['type'].default}": _sentence(kind) for kind in kinds}


def meanings() -> dict[str, str]:
    """Return every rule's id -> its meaning in one sentence."""
    return claims() | CHAIN | FIX


def help_of(rule: str) -> str:
    """Return what somebody reads who meets a finding of a rule for the first time."""
    return _HELP[rule.partition(".")[0]]


def _sentence(kind: type) -> str:
    return "The evidence shows this claim: " + " ".join((kind.__doc__ or "").split())
