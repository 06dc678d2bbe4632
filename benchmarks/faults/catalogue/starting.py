"""What keeps a container from starting: nothing can be tested then."""

from __future__ import annotations

from benchmarks.faults.catalogue.decoys import CLERKS, LOGGER, TOKENS
from benchmarks.faults.fault import Cause, Commit, Edit, Fault, Stage, sign

_ALL = ("e2e/*",)
_OLD = 'return answer({"owner": owner, "taken_in": count, "moved": moved, "share": share(moved, count)})'
_NEW = """names = ["taken_in", "moved"]
    print(f"{owner}: {", ".join(names)}")
    return answer({"owner": owner, "taken_in": count, "moved": moved, "share": share(moved, count)})"""

FSTRING = Commit("fstring", "Print what is reported", (Edit("depot/reports.py", _OLD, _NEW),))
FSTRING_MENDED = Commit("mended", "Print nothing", (Edit("depot/reports.py", _NEW, _OLD),))

SYNTAX = Cause(
    "syntax",
    _ALL,
    right=(
        sign("code_defect", path="depot/reports.py"),
        sign("regressed_by", commit="@fstring", path="depot/reports.py"),
    ),
    path=(
        (
            sign("code_defect", path="depot/reports.py"),
            sign("error_raised", service="depot", exception="*SyntaxError"),
        ),
    ),
    services=("depot",),
    files=("depot/reports.py",),
)

F08 = Fault(
    "F08",
    "a SyntaxError for the image's Python only",
    (Stage((CLERKS, FSTRING, LOGGER), causes=(SYNTAX,), runs=False),),
)

_PORT = Commit(
    "port",
    "Let whoever starts the gateway choose its port",
    (
        Edit(
            "gateway/main.py",
            'port = int(os.environ.get("PORT", "8080"))',
            'port = int(os.environ.get("HTTP_PORT", "9917"))',
        ),
    ),
)

F10 = Fault(
    "F10",
    "the container listens on the wrong port",
    (
        Stage(
            (TOKENS, _PORT, LOGGER),
            causes=(
                Cause(
                    "port",
                    _ALL,
                    right=(
                        sign("config_mismatch", service="gateway", key="*[Pp][Oo][Rr][Tt]*"),
                        sign("code_defect", path="gateway/main.py"),
                        sign("regressed_by", commit="@port", path="gateway/main.py"),
                    ),
                    path=((sign("startup_failed", service="gateway"), sign("service_down", service="gateway")),),
                    services=("gateway",),
                    files=("gateway/main.py",),
                ),
            ),
            runs=False,
        ),
    ),
)
