"""What goes wrong where a WebSocket writes JSON."""

from __future__ import annotations

from benchmarks.faults.catalogue.decoys import CLERKS, SLOW_TOLL, WEIGHTS
from benchmarks.faults.catalogue.starting import FSTRING, FSTRING_MENDED, SYNTAX
from benchmarks.faults.catalogue.storage import CURSOR, CURSOR_CAUSE
from benchmarks.faults.fault import Cause, Commit, Edit, Fault, Stage, sign

_REFUSAL = 'send_str(wire.to_json({"type": "refused", "why": problem.reason, "phase": talk.phase}))'
_WELCOME = 'send_str(wire.to_json({"type": "welcome", "user": talk.caller["sub"], "phase": talk.phase}))'
_REFUSED = ("e2e/test_ws_refused.py::*",)


def _plain(text: str) -> str:
    return text.replace("wire.to_json", "json.dumps")


ENUM = Commit("enum", "Answer refusals without a detour", (Edit("gateway/ws.py", _REFUSAL, _plain(_REFUSAL)),))


def _cause(commit: str, tests: tuple[str, ...]) -> Cause:
    return Cause(
        "enum",
        tests,
        right=(
            sign("code_defect", path="gateway/ws.py", symbol="greet"),
            sign("regressed_by", commit=commit, path="gateway/ws.py"),
        ),
        path=(
            (sign("socket_closed", close_code="1011"),),
            (sign("error_raised", service="gateway", exception="*TypeError"),),
        ),
        services=("gateway",),
        files=("gateway/ws.py", "gateway/wire.py"),
    )


F04 = Fault(
    "F04",
    "an Enum is not serialisable where refusals are sent",
    (Stage((CLERKS, ENUM, SLOW_TOLL), causes=(_cause("@enum", _REFUSED),)),),
)

_BOTH = Commit(
    "both",
    "Greet without a detour",
    (Edit("gateway/ws.py", _REFUSAL, _plain(_REFUSAL)), Edit("gateway/ws.py", _WELCOME, _plain(_WELCOME))),
)
_HALF = Commit("half", "Greet as before", (Edit("gateway/ws.py", _plain(_WELCOME), _WELCOME),))

F05 = Fault(
    "F05",
    "the same, mended in the success path only",
    (
        Stage((WEIGHTS, _BOTH), causes=(_cause("@both", ("e2e/test_ws.py::*", *_REFUSED)),)),
        Stage((_HALF,), causes=(_cause("@both", _REFUSED),), states={"enum": ("improved", "persistent")}),
    ),
)

F38 = Fault(
    "F38",
    "two independent faults at once",
    (Stage((ENUM, CLERKS, CURSOR), causes=(_cause("@enum", _REFUSED), CURSOR_CAUSE)),),
)

F39 = Fault(
    "F39",
    "one fault hides another, and is mended",
    (
        Stage((ENUM, FSTRING), causes=(SYNTAX,), runs=False),
        Stage((FSTRING_MENDED, CLERKS), causes=(_cause("@enum", _REFUSED),), states={"enum": ("revealed",)}),
    ),
)
