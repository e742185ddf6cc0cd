"""Sessions of the console: a token for a key, for a time, from our own page alone."""

import pytest
from starlette.requests import Request

from backburner.api.sessions import COOKIE, HEADER, SESSION_S, SESSIONS, Sessions, session_key


def asked(method: str = "GET", **headers: str) -> Request:
    named = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return Request({"type": "http", "method": method, "path": "/", "query_string": b"", "headers": named})


def test_a_token_stands_for_its_key_until_its_time_is_up() -> None:
    sessions = Sessions()
    token, other = sessions.start("bb-one", 100.0), sessions.start("bb-two", 100.0)
    assert token != other
    assert sessions.key_of(token, 100.0 + SESSION_S - 1) == "bb-one"
    assert sessions.key_of(other, 100.0 + SESSION_S) is None
    assert sessions.key_of("no such token", 100.0) is None


def test_a_session_that_was_ended_is_over() -> None:
    sessions = Sessions()
    token = sessions.start("bb-one", 0.0)
    sessions.end(token)
    sessions.end(token)
    assert sessions.key_of(token, 1.0) is None


def test_the_oldest_session_makes_room() -> None:
    sessions = Sessions()
    first = sessions.start("bb-first", 0.0)
    later = [sessions.start(f"bb-{n}", 1.0) for n in range(SESSIONS)]
    assert sessions.key_of(first, 2.0) is None
    assert sessions.key_of(later[0], 2.0) == "bb-0"


@pytest.mark.parametrize(
    ("request_", "counts"),
    [
        (asked(**{HEADER.replace("-", "_"): "1"}), True),
        (asked("POST", **{HEADER.replace("-", "_"): "1"}), True),
        (asked(sec_fetch_site="same-origin"), True),  # a download, a plain link
        (asked("POST", sec_fetch_site="same-origin"), False),
        (asked(sec_fetch_site="cross-site"), False),
        (asked(sec_fetch_site="same-site"), False),  # another port of this machine
        (asked(), False),
    ],
)
def test_a_cookie_counts_only_when_our_own_page_sent_it(request_: Request, counts: bool) -> None:
    sessions = Sessions()
    token = sessions.start("bb-one", 0.0)
    request_.scope["headers"] = [*request_.scope["headers"], (b"cookie", f"{COOKIE}={token}".encode())]
    assert session_key(request_, sessions, 1.0) == ("bb-one" if counts else None)


def test_without_a_cookie_there_is_no_session() -> None:
    assert session_key(asked(**{HEADER.replace("-", "_"): "1"}), Sessions(), 1.0) is None
