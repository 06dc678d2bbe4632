"""Secrets are taken out of texts, in whatever form they stand there."""

from __future__ import annotations

import base64
import copy
import html
import json
import pickle
import string
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from untilgreen.redaction import LastNet, Redactor, needles

VALUE = "q7Zr+2Lw9/Xb4K&c8Vn=1Tm6"
KEY_FILE = json.dumps(
    {
        "type": "service_account",
        "private_key": "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC\nq7Zr2Lw9Xb4K\n",
    }
)

values = st.text(string.ascii_letters + string.digits + "+/=&\"'\\ <é-_", min_size=12, max_size=48).filter(
    lambda text: text.strip() == text and len(set(text)) > 8 and not text.isalpha()
)
around = st.text(string.printable, max_size=20)


def redactor(value: str = VALUE, name: str = "key") -> Redactor:
    """Return one that knows a single value."""
    return Redactor([needles(name, value.encode())])


FORMS = {
    "raw": str,
    "base64": lambda v: base64.b64encode(v.encode()).decode(),
    "base64 after one byte": lambda v: base64.b64encode(b":" + v.encode() + b"!").decode(),
    "base64 after two bytes": lambda v: base64.b64encode(b"u:" + v.encode() + b"!!").decode(),
    "url-safe base64": lambda v: base64.urlsafe_b64encode(v.encode()).decode(),
    "url": lambda v: quote(v, safe=""),
    "url path": quote,
    "form": quote_plus,
    "lower url": lambda v: "".join(f"%{byte:02x}" if chr(byte) in "+/=&" else chr(byte) for byte in v.encode()),
    "json": lambda v: json.dumps({"a": v}),
    "json in json": lambda v: json.dumps(json.dumps({"a": v})),
    "repr": repr,
    "html": html.escape,
}


@pytest.mark.parametrize("form", FORMS)
def test_each_form_is_masked(form: str) -> None:
    """However a value is written, no stretch of it that is long enough to matter is left."""
    text = f"before {FORMS[form](VALUE)} after"
    clean = redactor().mask(text)
    assert "[redacted:key]" in clean
    assert clean.startswith("before ")
    assert clean.endswith(" after")
    written = FORMS[form](VALUE)
    assert not any(written[at : at + 8] in clean for at in range(4, len(written) - 12))


@given(values, around, around)
def test_any_value_in_any_text(value: str, before: str, after: str) -> None:
    """A value, raw, in JSON, in base64 at any alignment or URL-encoded, never survives."""
    mask = redactor(value).mask
    assert value not in mask(f"{before}{value}{after}").replace("[redacted:key]", "")
    assert json.dumps(value)[1:-1] not in mask(json.dumps({"text": f"{before} {value} {after}"}))
    encoded = base64.b64encode(f"{before}{value}{after}".encode()).decode()
    assert value.encode() not in _decoded(mask(encoded))
    assert quote(value) not in mask(quote(f"{before}{value}{after}"))


def _decoded(text: str) -> bytes:
    """Decode what is left of base64, at each alignment."""
    left = text.replace("[redacted:key]", "!")
    parts = [part[skip:] for part in left.split("!") for skip in range(4)]
    return b"|".join(base64.b64decode(part[: len(part) // 4 * 4]) for part in parts if part)


@given(st.text(string.ascii_letters + string.digits, min_size=40, max_size=60), st.integers(0, 16), st.integers(24, 40))
def test_what_was_cut_off_is_masked(value: str, start: int, length: int) -> None:
    """A part of a long value is masked, too: programs cut long lines."""
    key = "".join(f"{letter}{index % 10}" for index, letter in enumerate(value))[: len(value)]
    part = key[start : start + length]
    if len(part) >= 23 and any(c.isalpha() for c in part):
        assert part not in redactor(key).mask(f"...{part}...")


@given(st.text())
def test_other_text_stays(text: str) -> None:
    """Text without any known value comes back as it is."""
    assert redactor().mask(text) == text
    assert Redactor().mask(text) == text


@given(st.lists(st.sampled_from([VALUE, "q7Zr+2Lw9/other-tail-1234", "q7Zr", " "]), max_size=8))
def test_values_that_begin_alike(parts: list[str]) -> None:
    """Of two values with the same beginning each is masked by its own name."""
    both = Redactor([needles("one", VALUE.encode()), needles("two", b"q7Zr+2Lw9/other-tail-1234")])
    clean = both.mask(" ".join(parts))
    assert clean.count("[redacted:one]") == parts.count(VALUE)
    assert clean.count("[redacted:two]") == parts.count("q7Zr+2Lw9/other-tail-1234")


@pytest.mark.parametrize(("value", "text"), [("hunt2", "hunt2er"), ("sunshine", "sunshines"), ("", "any")])
def test_words_are_not_mangled(value: str, text: str) -> None:
    """What is shorter than six characters is not looked for, and a single word is masked as a whole word only."""
    assert redactor(value).mask(text) == text


def test_a_word_by_itself_is_masked() -> None:
    """A weak secret is a secret: as a word of its own it is masked."""
    assert redactor("sunshine").mask("it is sunshine.") == "it is [redacted:key]."


def test_trailing_white_space_does_not_hide() -> None:
    """A value with a line feed at its end is found in logs, which have taken it off."""
    assert redactor(f"{VALUE}\n").mask(f"<{VALUE}>") == "<[redacted:key]>"


def test_key_files_are_masked_line_by_line() -> None:
    """Lines of a key file are secrets by themselves; its public fields are not."""
    mask = redactor(KEY_FILE).mask
    assert "MIIEvQ" not in mask("line: MIIEvQIBADANBgkqhkiG9w0BAQEFAASC")
    assert mask('"type": "service_account"') == '"type": "service_account"'


def test_bytes_that_are_no_text() -> None:
    """Values that are no text are found in base64."""
    raw = bytes(range(128, 160))
    mask = Redactor([needles("key", raw)]).mask
    assert base64.b64encode(raw).decode()[:20] not in mask(base64.b64encode(raw).decode())


def test_nothing_shows_what_it_knows() -> None:
    """No repr and no copy on disk gives a value away."""
    for holder in (redactor(), needles("key", VALUE.encode())):
        assert VALUE not in repr(holder)
        with pytest.raises(TypeError):
            pickle.dumps(holder)
        with pytest.raises(TypeError):
            copy.deepcopy(holder)


@given(values, st.text(string.printable, max_size=9), st.integers(0, 3))
def test_documents_stay_documents(value: str, around: str, depth: int) -> None:
    """However often a value was written as JSON or as Python, a document with it stays one, and loses the value."""
    inner = f"{around}{value!r}{around}{value}{around}"
    for _ in range(depth):
        inner = json.dumps({"text": inner, "plain": value, "number": 0.1})
    for indent in (None, 1):
        for ascii_only in (True, False):
            document = json.dumps({"document": inner, "passed": True}, indent=indent, ensure_ascii=ascii_only)
            clean = redactor(value).mask(document)
            assert json.loads(clean)["passed"] is True
            seen = json.loads(clean)["document"]
            for _ in range(depth):
                assert json.loads(seen)["number"] == 0.1
                seen = json.loads(seen)["text"]
            assert value not in seen


def test_names_cannot_break_documents() -> None:
    """A mask keeps JSON valid, whatever a secret is called."""
    text = redactor(name='a"b\\c').mask(json.dumps({"text": VALUE}))
    assert json.loads(text) == {"text": "[redacted:a-b-c]"}


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("Authorization: Bearer abc123def456", "Authorization: Bearer [redacted:token]"),
        ("got eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl!", "got [redacted:token]!"),
        ("key AKIAIOSFODNN7EXAMPLE.", "key [redacted:aws-key]."),
        ("login?password=hunter2&x=1", "login?password=[redacted:password]&x=1"),
        ("password=correcthorse", "password=[redacted:password]"),
        ('{"api_key": "k4j5h6g7f8"}', '{"api_key": "[redacted:credential]"}'),
        ("postgres://shop:s3cr3t@db/shop", "postgres://shop:[redacted:password]@db/shop"),
        (
            "-----BEGIN RSA PRIVATE KEY-----\nMIIE\nAB==\n-----END RSA PRIVATE KEY-----\nnext.",
            "[redacted:private-key]\nnext.",
        ),
    ],
)
def test_what_looks_like_a_credential(text: str, clean: str) -> None:
    """Without any known value, what looks like a credential in free text is masked, and its surroundings stay."""
    assert Redactor().scrub(text) == clean
    assert Redactor().mask(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "    token = tokens.read(token, key)",
        "bearer token needed",
        "KeyError: 'SERVICE_SECRET'",
        "Permission denied on secret: projects/moon-1/secrets/key/versions/1 for Revision service account a@b.c",
        "login(password=read_password())",
        "max_tokens=100000",
        "401 invalid token: signature differs",
        "AttributeError: 'Settings' object has no attribute 'secret_key'",
    ],
)
def test_evidence_stays_readable(text: str) -> None:
    """Source lines, names of secrets and messages about tokens are no credentials."""
    assert Redactor().scrub(text) == text


def test_last_net_reads_once() -> None:
    """What a process has read it keeps to itself from then on, and reads once; what fails is not learnt."""
    net, asked = LastNet(), []

    def read() -> Redactor:
        asked.append(1)
        return redactor()

    with pytest.raises(ZeroDivisionError):
        net.learn("a", lambda: 1 / 0)  # type: ignore[arg-type, return-value]
    assert net.mask(VALUE) == VALUE
    assert net.learn("a", read) is net.learn("a", read)
    assert asked == [1]
    assert net.mask(VALUE) == "[redacted:key]"


@given(
    st.lists(st.text(max_size=40) | st.sampled_from(["password=hunter2secret", "plain", "a\n\0\nb", "key: abc12345x"]))
)
def test_many_texts_are_scrubbed_as_one_is(texts: list[str]) -> None:
    """Scrubbing many texts together gives what scrubbing each alone gives."""
    redactor = Redactor([needles("pass", b"correct-horse-battery")])
    texts = [*texts, "correct-horse-battery", "correct-horse", "-battery"]
    assert redactor.scrub_all(texts) == [redactor.scrub(text) for text in texts]
