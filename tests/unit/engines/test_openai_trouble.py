"""What goes wrong at an upstream, as the caller is told of it."""

from typing import Any

import pytest

from backburner.core.exchange import Delta, TroubleKind
from backburner.engines.openai import OpenAIEngine
from tests.doubles.recording_server import Answer as Says
from tests.doubles.recording_server import Cut, RecordingServer
from tests.unit.engines.conformance import all_of, chat
from tests.unit.engines.upstream import PROMPT, SECRET, connected, trouble_of

RETRY_INFO = {
    "error": {
        "code": 429,
        "message": "Quota exceeded",
        "details": [
            {"@type": "type.googleapis.com/google.rpc.Help"},
            {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "12.5s"},
        ],
    }
}


def error(message: str, code: Any = None) -> dict[str, Any]:
    return {"error": {"message": message, "type": "x", "code": code}}


@pytest.mark.parametrize(
    ("says", "kind", "words"),
    [
        (Says(400, error("Grammar is  bad")), TroubleKind.REQUEST, "answered 400: Grammar is bad"),
        (Says(400, {"error": "bad grammar"}), TroubleKind.REQUEST, "bad grammar"),
        (Says(400, {"object": "error", "message": "too long"}), TroubleKind.REQUEST, "too long"),
        (Says(413), TroubleKind.REQUEST, "413"),
        (
            Says(422, {"detail": [{"loc": ["body", "n"], "msg": "must be one"}]}),
            TroubleKind.REQUEST,
            "n: must be one",
        ),
        (Says(404, error("no previous response")), TroubleKind.REQUEST, "no previous response"),
        (Says(404, error("The model `x` does not exist.")), TroubleKind.OPERATOR, "`x` does not exist"),
        (Says(404, error("gone", "model_not_found")), TroubleKind.OPERATOR, "gone"),
        (Says(404, {"detail": "Not Found"}), TroubleKind.OPERATOR, "base URL may be wrong"),
        (Says(404, b"404: Not Found"), TroubleKind.OPERATOR, "base URL may be wrong"),
        (Says(302, b""), TroubleKind.OPERATOR, "base URL may be wrong"),
        (Says(401, error(f"Incorrect key: {SECRET}")), TroubleKind.OPERATOR, "refuses our key"),
        (Says(403, error("not for you")), TroubleKind.OPERATOR, "not for you"),
        (Says(402), TroubleKind.OPERATOR, "402"),
        (Says(501, error("start it with --embeddings")), TroubleKind.OPERATOR, "--embeddings"),
        (Says(408), TroubleKind.TIMEOUT, "408"),
        (Says(429), TroubleKind.BUSY, "429"),
        (Says(429, error("no money", "insufficient_quota")), TroubleKind.OPERATOR, "no money"),
        (Says(503, error("Loading model")), TroubleKind.BUSY, "Loading model"),
        (Says(529), TroubleKind.BUSY, "529"),
        (Says(500, b"<html>oh</html>"), TroubleKind.TRANSIENT, "answered 500"),
        (Says(502, b"\xff\xfe bad gateway"), TroubleKind.TRANSIENT, "bad gateway"),
        (Says(504, b"["), TroubleKind.TRANSIENT, "504"),
        (Says(200, b"not json"), TroubleKind.TRANSIENT, "no JSON"),
        (Says(200, b"[" * 100_000), TroubleKind.TRANSIENT, "no JSON"),
        (Says(200, b'{"choices": "\xff"}'), TroubleKind.TRANSIENT, "cannot be used"),
        (Says(200, []), TroubleKind.TRANSIENT, "no JSON object"),
        (Says(200, {}), TroubleKind.TRANSIENT, "no choices"),
        (Says(200, {"choices": []}), TroubleKind.TRANSIENT, "no choices"),
        (Says(200, {"choices": [{"text": "x"}]}), TroubleKind.TRANSIENT, "no message"),
        (Says(200, {"error": {"code": 429, "message": "slow"}}), TroubleKind.BUSY, "slow"),
        (Says(200, {"error": {"code": "x", "message": "sick"}}), TroubleKind.TRANSIENT, "sick"),
        (Cut(), TroubleKind.TRANSIENT, "cut"),
        (Cut(after=30), TroubleKind.TRANSIENT, "cut"),
    ],
)
async def test_what_goes_wrong_is_named(
    server: RecordingServer, says: Says | Cut, kind: TroubleKind, words: str
) -> None:
    async with connected(server, api_key=SECRET) as engine:
        server.next(says)
        trouble = await trouble_of(engine)
        assert trouble.kind is kind, trouble
        assert words in trouble.message, trouble
        assert trouble.engine == "up"
        assert trouble.message.startswith("The engine up ")
        assert trouble.status == (
            says.status if isinstance(says, Says) and says.status != 200 else trouble.status
        )
        assert SECRET not in trouble.message
        assert PROMPT not in trouble.message
        streamed = (await all_of(engine, chat("chat-model", PROMPT), 5))[-1]  # nothing lingers
        assert isinstance(streamed, Delta)


async def test_nobody_there_costs_no_attempt(server: RecordingServer, engine: OpenAIEngine) -> None:
    await server.deafen()
    await trouble_of(engine)  # perhaps still over the old connection, which is being cut
    trouble = await trouble_of(engine)
    assert trouble.kind is TroubleKind.BUSY
    assert "connect" in trouble.message
    assert trouble.status == 0


@pytest.mark.parametrize(
    ("says", "wait_s"),
    [
        (Says(429, headers={"Retry-After": "3"}), 3.0),
        (Says(503, headers={"Retry-After": "0.5"}), 0.5),
        (Says(429), None),
        (Says(429, RETRY_INFO), 12.5),
        (Says(429, [RETRY_INFO], headers={"Retry-After": "60"}), 12.5),
        (Says(500, headers={"Retry-After": "3"}), 3.0),
    ],
)
async def test_how_long_to_wait_is_read(
    server: RecordingServer, engine: OpenAIEngine, says: Says, wait_s: float | None
) -> None:
    server.next(says)
    assert (await trouble_of(engine)).retry_after_s == wait_s


async def test_an_upstream_that_quotes_the_request_is_cut_short(
    server: RecordingServer, engine: OpenAIEngine
) -> None:
    server.next(Says(400, error("bad request: " + "x" * 5000)))
    assert len((await trouble_of(engine)).message) < 350
