"""Why agents are ended in these tests, in good and in bad words."""

REASONS = {
    "plain": "done for today",
    "one letter": "x",
    "not only ascii": "Mondfinsternis 🌑",
    "quotes": "\"they\" said 'stop'",
    "lines": "first\nsecond",
    "longest": "r" * 200,
}

BAD_REASONS = {
    "empty": "",
    "blank": "  \n",
    "too long": "r" * 201,
    "a number": 7,
    "null": None,
    "a list": ["because"],
    "an object": {"why": "because"},
}
