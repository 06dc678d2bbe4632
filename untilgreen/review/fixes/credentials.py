"""What looks like a credential in a line of text."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable

from untilgreen.redaction.credentials import KNOWN

_KNOWN = {sort.name: sort.pattern for sort in KNOWN}
_NAMED = re.compile(
    r"(?:passw(?:or)?d|passphrase|secret|token|api_?key|private_?key|credential)\w*[\"']?\s*(?:\]\s*)?[:=]\s*"
    r"[rbfu]{0,2}[\"']([^\"'\s{}$<>]{8,})[\"']",
    re.IGNORECASE,
)
_LONG = re.compile(r"[\"']([0-9A-Za-z+/_=-]{32,})[\"']")
_PLAIN = re.compile(r"[a-z]+://.*|/.*|[a-z]+(?:[-_./][a-z]+)*", re.IGNORECASE)
"""Addresses, paths and words. A password inside an address is found by its own pattern."""
_DETECTORS = (
    "ArtifactoryDetector",
    "AWSKeyDetector",
    "AzureStorageKeyDetector",
    "BasicAuthDetector",
    "CloudantDetector",
    "DiscordBotTokenDetector",
    "GitHubTokenDetector",
    "GitLabTokenDetector",
    "IbmCloudIamDetector",
    "IbmCosHmacDetector",
    "JwtTokenDetector",
    "MailchimpDetector",
    "NpmDetector",
    "OpenAIDetector",
    "PrivateKeyDetector",
    "PypiTokenDetector",
    "SendGridDetector",
    "SlackDetector",
    "SoftlayerDetector",
    "SquareOAuthDetector",
    "StripeDetector",
    "TelegramBotTokenDetector",
    "TwilioKeyDetector",
)
"""Those of detect-secrets that know a vendor's form. Its detectors of entropy and of names are left out: ours know
what source code looks like."""
_COUNTED = re.compile(r"abcdef|uvwxyz|12345|qwerty", re.IGNORECASE)
"""Alphabets and examples."""
_NAMED_BITS = 2.8
_LONG_BITS = 4.3
"""Bits a character: words stay under 4, random base64 of this length comes to about 4.7."""


def looks_secret(text: str) -> str:
    """Return which sort of credential a line seems to hold, or an empty string. Never the credential."""
    for sort, pattern in _KNOWN.items():
        if pattern.search(text):
            return sort
    if any(_bits(value) >= _NAMED_BITS and not _PLAIN.fullmatch(value) for value in _NAMED.findall(text)):
        return "a credential by its name"
    long = [value for value in _LONG.findall(text) if not (_PLAIN.fullmatch(value) or _COUNTED.search(value))]
    if any(_bits(value) >= _LONG_BITS for value in long):
        return "a random key"
    return ""


def known_sorts(texts: Iterable[str]) -> list[str]:
    """Return for each line which of the vendors' credentials it holds, as detect-secrets knows them, or nothing."""
    from detect_secrets.core.scan import scan_line  # noqa: PLC0415 - half a second, only when a fix is judged
    from detect_secrets.settings import transient_settings  # noqa: PLC0415 - as above

    with transient_settings({"plugins_used": [{"name": name} for name in _DETECTORS]}):
        found = [next(iter(scan_line(text)), None) for text in texts]
    return [f"a credential ({one.type})" if one else "" for one in found]


def _bits(value: str) -> float:
    """Return Shannon's entropy a character, in bits."""
    counts = Counter(value).values()
    return -sum(n / len(value) * math.log2(n / len(value)) for n in counts)
