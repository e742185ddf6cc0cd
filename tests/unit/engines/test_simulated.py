import asyncio
import itertools
import math
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest

from backburner.core.clock import SystemClock
from backburner.core.errors import InvalidArgument
from backburner.core.exchange import Answer, Call, Feature, Trouble, TroubleKind
from backburner.engines.simulated import SimulatedEngine
from backburner.engines.simulated_options import SimulatedOptions, parse_simulated
from tests.unit.engines.conformance import Conformance, Rig, all_of, chat, embed


class HeldClock(SystemClock):
    """Real time, counting those asleep."""

    asleep = 0

    async def sleep(self, duration_s: float) -> None:
        self.asleep += 1
        try:
            await asyncio.sleep(duration_s)
        finally:
            self.asleep -= 1


class JumpingClock(SystemClock):
    """Sleeping takes no time but is written down."""

    def __init__(self) -> None:
        self.slept: list[float] = []

    async def sleep(self, duration_s: float) -> None:
        self.slept.append(duration_s)


class TestConformance(Conformance):
    @pytest.fixture
    async def rig(self) -> AsyncIterator[Rig]:
        clock = HeldClock()
        engine = SimulatedEngine("sim", SimulatedOptions(), clock)
        hanging = SimulatedEngine("hang", SimulatedOptions(latency_ms=60_000), clock)
        await engine.start()
        yield Rig(engine, hanging, "m", "m", Feature.WEB_SEARCH, held=lambda: clock.asleep)
        await engine.stop()


def made(spec: str = "simulated", clock: SystemClock | None = None) -> SimulatedEngine:
    return SimulatedEngine("sim", parse_simulated(spec), clock or JumpingClock())


async def said(engine: SimulatedEngine, call: Call) -> tuple[str, str]:
    answer = await engine.call(call, 5)
    assert isinstance(answer, Answer), answer
    choice = answer.body["choices"][0]
    return choice["message"]["content"], choice["finish_reason"]


# The spec


def test_a_spec_with_every_option() -> None:
    options = parse_simulated("simulated:latency_ms=20,jitter=0.5,error_rate=0.1,seed=7,log=a,b/calls.log")
    assert options == SimulatedOptions(
        latency_ms=20, jitter=0.5, error_rate=0.1, seed=7, log=Path("a,b/calls.log")
    )
    assert parse_simulated("simulated") == parse_simulated("simulated:") == SimulatedOptions()


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("simulated:latancy_ms=3", ["'latancy_ms'", "did you mean latency_ms?", "error_rate", "log"]),
        ("simulated:latency_ms=fast", ["latency_ms takes milliseconds", "'fast'"]),
        ("simulated:latency_ms=-1", ["latency_ms takes milliseconds", "'-1'"]),
        ("simulated:error_rate=2", ["error_rate takes a fraction from 0 to 1", "'2'"]),
        ("simulated:error_rate=nan", ["error_rate takes", "'nan'"]),
        ("simulated:seed=1.5", ["seed takes a whole number"]),
        ("simulated:log=", ["log has no value"]),
        ("simulated:seed", ["seed has no value", "seed=..."]),
        ("simulated:seed=1,seed=2", ["seed is given twice"]),
        ("simulator", ["expected simulated"]),
    ],
)
def test_a_wrong_spec_is_refused_in_words(spec: str, words: list[str]) -> None:
    with pytest.raises(InvalidArgument) as refused:
        parse_simulated(spec)
    assert all(word in refused.value.message for word in [spec, *words]), refused.value.message


# What it answers


async def test_it_echoes_the_last_text_of_the_last_user_message() -> None:
    call = chat("m")
    call.body["messages"] = [
        {"role": "system", "content": "be brief"},
        {"role": "user", "content": "first"},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "look at"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}},
                {"type": "text", "text": "  this  one\n"},
            ],
        },
        {"role": "assistant", "content": "hm"},
    ]
    engine = made()
    assert await said(engine, call) == ("  this  one\n", "stop")
    assert await engine.count_tokens("m", call.body) == 2 + 1 + 2 + 2 + 1


@pytest.mark.parametrize("field", ["max_completion_tokens", "max_tokens"])
async def test_a_maximum_keeps_the_last_words(field: str) -> None:
    engine = made()
    assert await said(engine, chat("m", "one two  three", **{field: 2})) == ("two three", "length")
    assert await said(engine, chat("m", "one two  three", **{field: 3})) == ("one two  three", "stop")


async def test_usage_counts_words() -> None:
    answer = await made().call(chat("m", "one two three", n=2, max_completion_tokens=2), 5)
    assert isinstance(answer, Answer)
    assert len(answer.body["choices"]) == 2
    assert (answer.usage.prompt, answer.usage.output) == (3, 4)
    assert answer.body["usage"]["total_tokens"] == 7


async def test_log_probabilities_cover_every_word() -> None:
    answer = await made().call(chat("m", "one two", logprobs=True, top_logprobs=1), 5)
    assert isinstance(answer, Answer)
    content = answer.body["choices"][0]["logprobs"]["content"]
    assert [each["token"] for each in content] == ["one", "two"]
    assert content[0]["top_logprobs"][0]["token"] == "one"


async def test_an_empty_text_is_answered_and_streamed() -> None:
    assert await said(made(), chat("m", "")) == ("", "stop")
    assert len(await all_of(made(), chat("m", ""), 5)) == 1


PERSON = {
    "type": "object",
    "properties": {
        "note": {"type": "string"},
        "name": {"type": "string", "maxLength": 3, "minLength": 2},
        "age": {"type": "integer", "minimum": 18, "maximum": 20},
        "size": {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1},
        "even": {"type": "integer", "multipleOf": 4, "minimum": 5, "maximum": 9},
        "mood": {"enum": ["good", "bad"]},
        "kind": {"const": "person"},
        "tags": {"type": "array", "items": {"type": "string"}, "minItems": 2, "maxItems": 3},
        "pair": {"type": "array", "prefixItems": [{"type": "boolean"}, {"type": "null"}], "items": False},
        "maybe": {"type": ["null", "string"]},
        "born": {"type": "string", "format": "date-time"},
        "either": {"anyOf": [{"type": "integer"}, {"type": "string"}]},
        "both": {"allOf": [{"$ref": "#/$defs/low"}, {"type": "integer", "minimum": 2}]},
        "friend": {"anyOf": [{"$ref": "#"}, {"type": "null"}]},
    },
    "required": ["note", "age", "friend"],
    "additionalProperties": False,
    "$defs": {"low": {"type": "integer", "maximum": 3}},
}


def structured(schema: Any, text: str = "who are you") -> Call:
    return chat(
        "m", text, response_format={"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}
    )


@pytest.mark.parametrize("seed", range(6))
async def test_a_schema_is_answered_with_an_instance_of_it(seed: int) -> None:
    text, finish = await said(made(f"simulated:seed={seed}"), structured(PERSON))
    found = msgspec.json.decode(text)
    jsonschema.Draft202012Validator(PERSON).validate(found)
    assert set(found) == set(PERSON["properties"])  # the optional ones too, or a dry run shows nothing
    assert found["note"] == "who are you"
    assert finish == "stop"


async def test_json_without_a_schema_is_an_object_with_the_text() -> None:
    text, _ = await said(made(), chat("m", "hello", response_format={"type": "json_object"}))
    assert msgspec.json.decode(text) == {"text": "hello"}


@pytest.mark.parametrize(
    "schema",
    [{"$ref": "#"}, {"$ref": "#/$defs/none"}, {"properties": {"a": {"$ref": "#"}}, "required": ["a"]}],
)
async def test_a_schema_without_an_instance_is_the_requests_own_trouble(schema: Any) -> None:
    trouble = await made().call(structured(schema), 5)
    assert isinstance(trouble, Trouble)
    assert trouble.kind is TroubleKind.REQUEST
    assert "schema" in trouble.message


# Embeddings


async def vectors(engine: SimulatedEngine, call: Call) -> list[list[float]]:
    answer = await engine.call(call, 5)
    assert isinstance(answer, Answer)
    return [each["embedding"] for each in answer.body["data"]]


async def test_embeddings_are_unit_vectors_of_seed_and_text() -> None:
    one, two, again = await vectors(made(), embed("m", "one", "two", "one"))
    assert len(one) == 384
    assert math.isclose(math.hypot(*one), 1.0)
    assert one == again != two
    assert (await vectors(made("simulated:seed=1"), embed("m", "one")))[0] != one
    short = embed("m", "one")
    short.body["dimensions"] = 7
    assert len((await vectors(made(), short))[0]) == 7


# Latency and errors


async def test_jitter_is_a_fraction_of_the_latency_and_comes_from_the_seed() -> None:
    async def slept(seed: int) -> list[float]:
        clock = JumpingClock()
        engine = made(f"simulated:latency_ms=100,jitter=0.5,seed={seed}", clock)
        for _ in range(200):
            await engine.call(chat("m"), 5)
        return clock.slept

    first = await slept(1)
    assert 0.05 <= min(first) < 0.06
    assert 0.14 < max(first) <= 0.15
    assert first == await slept(1) != await slept(2)


async def test_without_latency_nothing_sleeps() -> None:
    clock = JumpingClock()
    await made("simulated:jitter=1", clock).call(chat("m"), 5)
    assert clock.slept == []


async def tries_until_answered(engine: SimulatedEngine, text: str) -> int:
    for tries in itertools.count(1):
        result = await engine.call(chat("m", text), 5)
        if isinstance(result, Answer):
            return tries
        assert result.kind is TroubleKind.TRANSIENT
        assert text not in result.message
    raise AssertionError


async def test_errors_come_at_their_rate_from_the_seed_in_any_order_and_end_with_retries() -> None:
    texts = [f"question {number}" for number in range(400)]
    there, back = made("simulated:error_rate=0.25,seed=3"), made("simulated:error_rate=0.25,seed=3")
    tries = {text: await tries_until_answered(there, text) for text in texts}
    assert 60 <= sum(1 for count in tries.values() if count > 1) <= 140
    assert {text: await tries_until_answered(back, text) for text in reversed(texts)} == tries
    other = made("simulated:error_rate=0.25,seed=4")
    assert {text: await tries_until_answered(other, text) for text in texts} != tries


async def test_with_every_try_failing_nothing_is_ever_answered() -> None:
    engine = made("simulated:error_rate=1")
    assert all([isinstance(await engine.call(chat("m"), 5), Trouble) for _ in range(20)])
    assert isinstance((await all_of(engine, chat("m"), 5))[-1], Trouble)


# The log


def lines_of(log: Path) -> list[dict[str, Any]]:
    return [msgspec.json.decode(line) for line in log.read_bytes().splitlines()]


class ReadingClock(SystemClock):
    """Reads the log while the call waits for its answer."""

    def __init__(self, log: Path) -> None:
        self.log = log
        self.seen: list[dict[str, Any]] = []

    async def sleep(self, duration_s: float) -> None:
        self.seen = lines_of(self.log)


async def test_a_call_is_in_the_log_before_it_is_answered(tmp_path: Path) -> None:
    log = tmp_path / "calls.log"
    clock = ReadingClock(log)
    engine = made(f"simulated:latency_ms=10,log={log}", clock)
    await engine.start()
    await engine.call(chat("some-model", "what is it\n?"), 5)
    (start,) = clock.seen
    assert start.pop("pid")
    assert len(start.pop("digest")) == 64
    assert start == {
        "event": "start",
        "n": 1,
        "tag": "job/0",
        "kind": "chat",
        "model": "some-model",
        "text": "what is it\n?",
    }
    end = lines_of(log)[1]
    assert (end["event"], end["n"], end["tag"], end["outcome"]) == ("end", 1, "job/0", "answer")
    await engine.stop()


async def test_the_digest_is_of_the_body_whatever_the_order_of_its_fields(tmp_path: Path) -> None:
    log = tmp_path / "calls.log"
    engine = made(f"simulated:log={log}")
    await engine.start()
    for more in ({"seed": 1, "top_p": 0.5}, {"top_p": 0.5, "seed": 1}, {"seed": 2, "top_p": 0.5}):
        await engine.call(chat("m", **more), 5)
    await engine.stop()
    first, second, third = (line["digest"] for line in lines_of(log) if line["event"] == "start")
    assert first == second != third


async def test_the_log_is_appended_to_and_tells_how_calls_end(tmp_path: Path) -> None:
    log = tmp_path / "calls.log"
    for spec in ("simulated:error_rate=1", "simulated:latency_ms=9000", "simulated:latency_ms=60000"):
        engine = made(f"{spec},log={log}", SystemClock() if "60000" in spec else None)
        await engine.start()
        task = asyncio.create_task(engine.call(chat("m"), 5))
        await asyncio.sleep(0)
        if "60000" in spec:
            task.cancel()
        await asyncio.wait([task])
        await engine.stop()
    assert [line["event"] for line in lines_of(log)] == ["start", "end"] * 3
    assert [line["outcome"] for line in lines_of(log)[1::2]] == ["transient", "timeout", "cancelled"]


async def test_streams_and_embeddings_are_logged_too(tmp_path: Path) -> None:
    log = tmp_path / "calls.log"
    engine = made(f"simulated:log={log}")
    await engine.start()
    await all_of(engine, chat("m", "a b c"), 5)
    await engine.call(embed("m", "one", "two"), 5)
    await engine.stop()
    lines = lines_of(log)
    assert [line["event"] for line in lines] == ["start", "end", "start", "end"]
    assert [line["text"] for line in lines[::2]] == ["a b c", "one\ntwo"]
    assert [line["outcome"] for line in lines[1::2]] == ["answer", "answer"]


async def test_a_log_that_cannot_be_written_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(InvalidArgument, match="no-such-folder"):
        await made(f"simulated:log={tmp_path / 'no-such-folder' / 'x.log'}").start()


# Names


async def test_every_model_name_is_served_and_listed_once_called() -> None:
    engine = SimulatedEngine("sim", SimulatedOptions(), SystemClock(), ["gemini-2.5-flash"])
    for model in ("b", "a", "b"):
        answer = await engine.call(chat(model), 5)
        assert isinstance(answer, Answer)
        assert answer.model == model
    assert [each.id for each in engine.models()] == ["gemini-2.5-flash", "b", "a"]
