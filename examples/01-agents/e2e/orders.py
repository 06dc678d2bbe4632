"""What agents are asked to do in these tests, good and bad."""

TASKS = {
    "plain": "count the craters",
    "one letter": "x",
    "umlauts": "zähle die Krater",
    "cyrillic": "посчитай кратеры",
    "chinese": "数一数陨石坑",
    "right to left": "احسب الفوهات",
    "emoji": "count the 🌕 craters 🚀",
    "quotes": "say \"hello\" and 'bye'",
    "backslashes": "copy C:\\moon\\new",
    "lines": "first line\nsecond line",
    "markup": "<b>bold</b> & <script>alert(1)</script>",
    "braces": "{name} {{double}} %s ${HOME}",
    "sql": "'; DROP TABLE agents; --",
    "digits": "1234567890",
    "longest": "m" * 500,
}

TAGS = {
    "none": ([], []),
    "one": (["moon"], ["moon"]),
    "sorted": (["c", "b", "a"], ["a", "b", "c"]),
    "once each": (["a", "a", "b"], ["a", "b"]),
    "small letters": (["Moon", "MOON"], ["moon"]),
    "trimmed": ([" moon ", "base\t"], ["base", "moon"]),
    "not only ascii": (["mör", "月"], ["mör", "月"]),
    "many": ([f"t{n:02}" for n in range(40)], [f"t{n:02}" for n in range(40)]),
}

DEADLINES = {
    "2031-05-04T12:00:00Z": "2031-05-04T12:00:00Z",
    "2031-05-04T12:00:00+00:00": "2031-05-04T12:00:00Z",
    "2031-05-04T12:00:00+02:00": "2031-05-04T10:00:00Z",
    "2031-05-04T23:30:00-05:30": "2031-05-05T05:00:00Z",
    "2031-01-01T00:30:00+01:00": "2030-12-31T23:30:00Z",
    "2032-02-29T12:00:00+12:00": "2032-02-29T00:00:00Z",
    "2031-05-04T12:00:00.250+00:00": "2031-05-04T12:00:00.250000Z",
    "2031-05-04 12:00:00+00:00": "2031-05-04T12:00:00Z",
}

BAD_ORDERS = {
    "no task": ("task", {}),
    "empty task": ("task", {"task": ""}),
    "blank task": ("task", {"task": " \t\n"}),
    "task too long": ("task", {"task": "m" * 501}),
    "task is a number": ("task", {"task": 7}),
    "task is null": ("task", {"task": None}),
    "task is a list": ("task", {"task": ["x"]}),
    "priority 0": ("priority", {"task": "x", "priority": 0}),
    "priority 6": ("priority", {"task": "x", "priority": 6}),
    "priority -1": ("priority", {"task": "x", "priority": -1}),
    "priority 2.5": ("priority", {"task": "x", "priority": 2.5}),
    "priority as text": ("priority", {"task": "x", "priority": "3"}),
    "priority is true": ("priority", {"task": "x", "priority": True}),
    "priority is null": ("priority", {"task": "x", "priority": None}),
    "tags as text": ("tags", {"task": "x", "tags": "moon"}),
    "tags with a number": ("tags", {"task": "x", "tags": ["moon", 1]}),
    "tags with a blank": ("tags", {"task": "x", "tags": ["moon", " "]}),
    "tags is null": ("tags", {"task": "x", "tags": None}),
    "deadline without zone": ("deadline", {"task": "x", "deadline": "2031-05-04T12:00:00"}),
    "deadline is no time": ("deadline", {"task": "x", "deadline": "tomorrow"}),
    "deadline on no day": ("deadline", {"task": "x", "deadline": "2031-02-30T12:00:00Z"}),
    "deadline is a number": ("deadline", {"task": "x", "deadline": 1935662400}),
    "unknown field": ("color", {"task": "x", "color": "red"}),
    "misspelt field": ("prio", {"task": "x", "prio": 3}),
}

NO_OBJECTS = ["[]", '"text"', "7", "null", "true", "{", "task=x"]
