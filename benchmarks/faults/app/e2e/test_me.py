import pytest

PEOPLE = {"ada": ("clerk", "NORTH DESK"), "bob": ("clerk", "SOUTH DESK"), "eve": ("guest", "VISITORS DESK")}


@pytest.mark.parametrize("user", PEOPLE)
@pytest.mark.parametrize("number", range(4))
def test_who_am_i(at_desk, user, number):
    answer = at_desk(user).get("/api/me", n=number)
    assert answer.status_code == 200, answer.text
    role, desk = PEOPLE[user]
    assert answer.json() == {"user": user, "role": role, "desk": desk}
