"""The embedded engine with its real models: answers, enforced forms, and one request's trouble staying its own."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from tests.unit.engines.local.grammar.sampling import SCHEMAS
from tests.unit.engines.local.grammar.test_schema import satisfies

from backburner.core.clock import SystemClock
from backburner.core.exchange import Answer, Call, CallKind, Delta, Trouble, TroubleKind
from backburner.engines.local.engine import CHAT_MODEL, EMBED_MODEL, LocalEngine
from backburner.engines.local.supervisor import Supervisor
from backburner.engines.protocol import Health

pytestmark = [pytest.mark.real, pytest.mark.asyncio(loop_scope="module")]

DEADLINE_S = 100.0
SPOKEN = (
    "apple river stone cloud tiger violin candle harbor winter orange silver garden "
    "castle dragon forest bridge mirror pencil rocket window butter circle desert engine "
    "flower guitar hammer island jacket kitten ladder market needle ocean palace rabbit "
    "saddle temple valley wagon yellow anchor basket cherry dinner eagle falcon ginger "
    "honey jungle lemon magnet noodle pepper quartz ribbon spider turtle walnut zebra "
    "acorn beacon camel donkey"
)
WORDS = SPOKEN.split()
CAPITAL = "What is the capital of France? Answer in one short sentence."


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def engine(models_folder: Path) -> AsyncIterator[LocalEngine]:
    engine = LocalEngine(models_folder, warm=[CHAT_MODEL])
    await engine.start()
    yield engine
    await engine.stop()


def chat(text: str = CAPITAL, **body: Any) -> Call:
    messages = [{"role": "user", "content": text}]
    return Call(kind=CallKind.CHAT, model=CHAT_MODEL, body={"messages": messages, "temperature": 0, **body})


def embed(*texts: str, **body: Any) -> Call:
    return Call(kind=CallKind.EMBED, model=EMBED_MODEL, body={"input": list(texts), **body})


def in_form(schema: Any) -> dict[str, Any]:
    return {"response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}}


async def answer_of(engine: LocalEngine, call: Call) -> Answer:
    answer = await engine.call(call, DEADLINE_S)
    assert isinstance(answer, Answer), answer
    return answer


async def trouble_of(engine: LocalEngine, call: Call) -> Trouble:
    trouble = await engine.call(call, DEADLINE_S)
    assert isinstance(trouble, Trouble), trouble
    return trouble


def texts_of(answer: Answer) -> list[str]:
    return [choice["message"]["content"] for choice in answer.body["choices"]]


def finish_of(answer: Answer) -> str:
    return answer.body["choices"][0]["finish_reason"]


async def test_it_knows_the_capital_of_france(engine: LocalEngine) -> None:
    answer = await answer_of(engine, chat())
    assert "Paris" in texts_of(answer)[0]
    assert finish_of(answer) == "stop"
    assert answer.model == answer.body["model"] == CHAT_MODEL
    assert answer.usage.prompt == await engine.count_tokens(CHAT_MODEL, chat().body)
    assert answer.usage.output == answer.body["usage"]["completion_tokens"] > 3
    assert engine.status().health is Health.UP


async def test_a_system_message_and_earlier_turns_are_heard(engine: LocalEngine) -> None:
    messages = [
        {"role": "system", "content": "The user's dog is called Rufus."},
        {"role": "user", "content": "My name is Ada."},
        {"role": "assistant", "content": "Hello Ada."},
        {"role": "user", "content": "What is my dog called?"},
    ]
    answer = await answer_of(engine, chat(messages=messages))
    assert "Rufus" in texts_of(answer)[0]


async def test_sixty_four_at_once_each_get_their_own_answer(engine: LocalEngine) -> None:
    calls = [chat(f"Repeat this word: {word}", max_completion_tokens=24) for word in WORDS]
    together = await asyncio.gather(*(answer_of(engine, call) for call in calls))
    # A model of this size does not always do what it is told; a mix-up would miss nearly all.
    own = sum(word in texts_of(answer)[0].lower() for word, answer in zip(WORDS, together, strict=True))
    assert own > 48
    again = await asyncio.gather(*(answer_of(engine, call) for call in calls))
    assert sum(texts_of(one) == texts_of(other) for one, other in zip(together, again, strict=True)) > 48


async def test_every_schema_is_met(engine: LocalEngine) -> None:
    wanted = [
        chat(
            f"Make up an example of: {name}. Answer in JSON.",
            temperature=number % 2,
            seed=number,
            max_completion_tokens=260,
            **in_form(schema),
        )
        for number, (name, schema) in enumerate(SCHEMAS.items())
    ]
    assert len(wanted) >= 20
    answers = await asyncio.gather(*(answer_of(engine, call) for call in wanted))
    for schema, answer in zip(SCHEMAS.values(), answers, strict=True):
        assert finish_of(answer) == "stop"
        satisfies(texts_of(answer)[0], schema)


async def test_json_without_a_schema(engine: LocalEngine) -> None:
    call = chat("Describe a cat as JSON.", response_format={"type": "json_object"}, max_completion_tokens=60)
    answer = await answer_of(engine, call)
    assert isinstance(json.loads(texts_of(answer)[0]), dict)


async def test_an_answer_without_room_for_its_form_says_that_it_was_cut(engine: LocalEngine) -> None:
    schema = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}
    answer = await answer_of(engine, chat("Name a cat.", max_completion_tokens=3, **in_form(schema)))
    assert finish_of(answer) == "length"
    assert answer.usage.output == 3


async def test_an_answer_cut_by_its_cap_says_so(engine: LocalEngine) -> None:
    answer = await answer_of(engine, chat("Tell a long story.", max_completion_tokens=12))
    assert finish_of(answer) == "length"
    assert answer.usage.output == 12


async def test_a_stop_string_ends_the_answer_before_it(engine: LocalEngine) -> None:
    whole = texts_of(await answer_of(engine, chat()))[0]
    cut = await answer_of(engine, chat(stop=[" Paris"]))
    assert texts_of(cut)[0] == whole.partition(" Paris")[0]
    assert finish_of(cut) == "stop"


async def test_candidates_differ_and_a_seed_repeats_them(engine: LocalEngine) -> None:
    call = chat("Invent a name for a boat.", n=2, temperature=1.0, seed=11, max_completion_tokens=16)
    first, second = [texts_of(await answer_of(engine, call)) for _ in range(2)]
    assert first == second
    assert first[0] != first[1]
    in_json = chat(
        "Invent a name.", n=2, temperature=1.0, seed=3, **in_form({"type": "string", "maxLength": 30})
    )
    for text in texts_of(await answer_of(engine, in_json)):
        satisfies(text, {"type": "string", "maxLength": 30})


async def test_log_probabilities_of_the_chosen_tokens(engine: LocalEngine) -> None:
    answer = await answer_of(engine, chat(logprobs=True))
    entries = answer.body["choices"][0]["logprobs"]["content"]
    assert len(entries) == answer.usage.output
    assert all(entry["logprob"] <= 0 for entry in entries)
    assert "".join(entry["token"] for entry in entries).startswith(texts_of(answer)[0])


WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather in a city",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}, "unit": {"type": "string", "enum": ["C", "F"]}},
            "required": ["city", "unit"],
        },
    },
}


async def test_a_required_call_comes_with_arguments_as_declared(engine: LocalEngine) -> None:
    call = chat("What is the weather in Paris?", tools=[WEATHER], tool_choice="required")
    answer = await answer_of(engine, call)
    assert finish_of(answer) == "tool_calls"
    (made,) = answer.body["choices"][0]["message"]["tool_calls"]
    assert made["function"]["name"] == "get_weather"
    arguments = json.loads(made["function"]["arguments"])
    assert "Paris" in arguments["city"]
    assert arguments["unit"] in ("C", "F")
    parts = [delta async for delta in engine.stream(call, DEADLINE_S)]
    assert all(isinstance(part, Delta) for part in parts)
    deltas = [choice["delta"] for part in parts if isinstance(part, Delta) for choice in part.choices]
    assert [one["tool_calls"][0]["function"]["name"] for one in deltas] == ["get_weather"]


async def test_a_stream_says_the_same_as_a_call(engine: LocalEngine) -> None:
    whole = await answer_of(engine, chat())
    parts = [part async for part in engine.stream(chat(), DEADLINE_S)]
    assert all(isinstance(part, Delta) for part in parts)
    choices = [choice for part in parts if isinstance(part, Delta) for choice in part.choices]
    assert "".join(choice["delta"]["content"] for choice in choices) == texts_of(whole)[0]
    assert len(choices) > 3
    last = parts[-1]
    assert isinstance(last, Delta)
    assert last.usage == whole.usage


async def test_a_prompt_over_the_context_is_refused_with_both_numbers(engine: LocalEngine) -> None:
    trouble = await trouble_of(engine, chat("word " * 9000))
    assert trouble.kind is TroubleKind.REQUEST
    assert "takes at most 8191" in trouble.message
    assert "the prompt has 9" in trouble.message


async def test_a_schema_that_cannot_be_enforced_is_refused_and_its_neighbours_are_unharmed(
    engine: LocalEngine,
) -> None:
    good = [chat(f"Write the number {number} in words.", max_completion_tokens=24) for number in range(8)]
    bad = [{"type": "array", "uniqueItems": True}, {"type": "text"}, {"type": "string", "pattern": "(?=a)b"}]
    words = ["uniqueItems", "schema.type", "pattern"]
    neighbours = [asyncio.create_task(answer_of(engine, call)) for call in good]
    for schema, word in zip(bad, words, strict=True):
        trouble = await trouble_of(engine, chat(**in_form(schema)))
        assert trouble.kind is TroubleKind.REQUEST
        assert word in trouble.message
    for answer in await asyncio.gather(*neighbours):
        assert texts_of(answer)[0]


async def test_a_cancelled_call_frees_its_place(engine: LocalEngine) -> None:
    async def long(number: int) -> None:
        await engine.call(chat(f"Count on from {number} for ever.", max_completion_tokens=4000), DEADLINE_S)

    hogs = [asyncio.create_task(long(number)) for number in range(64)]
    await asyncio.sleep(0.5)
    for hog in hogs:
        hog.cancel()
    async with asyncio.timeout(30):
        assert "Paris" in texts_of(await answer_of(engine, chat()))[0]


async def test_a_prefix_that_is_said_to_be_reused_costs_hardly_any_time(engine: LocalEngine) -> None:
    rules = " ".join(f"Rule {number}: be kind to number {number * 7}." for number in range(90))
    clock = SystemClock()

    async def asked(question: str) -> tuple[int, float]:
        started = clock.monotonic()
        messages = [{"role": "system", "content": rules}, {"role": "user", "content": question}]
        answer = await answer_of(engine, chat(messages=messages, max_completion_tokens=1))
        assert answer.body["usage"]["prompt_tokens_details"]["cached_tokens"] == answer.usage.cached
        return answer.usage.cached, clock.monotonic() - started

    cold, cold_s = await asked("One?")
    warm = [await asked(question) for question in ("Two?", "Three?", "Four?")]
    assert cold == 0
    assert min(cached for cached, _ in warm) > 1000
    assert min(seconds for _, seconds in warm) < cold_s / 3


def vectors_of(answer: Answer) -> list[list[float]]:
    return [each["embedding"] for each in answer.body["data"]]


def cosine(one: list[float], other: list[float]) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))


async def test_texts_of_like_meaning_are_near_each_other(engine: LocalEngine) -> None:
    answer = await answer_of(
        engine, embed("A cat sat on the mat.", "A kitten rests on a rug.", "Shares fell sharply.")
    )
    cat, kitten, shares = vectors_of(answer)
    assert len(cat) == 384
    assert cosine(cat, cat) == pytest.approx(1, abs=1e-3)
    assert cosine(cat, kitten) > 0.4 > 0.2 > cosine(cat, shares)
    assert answer.usage.prompt > 15


async def test_a_vector_is_the_same_in_a_batch_as_alone(engine: LocalEngine) -> None:
    texts = [f"text number {number} " + "and more words " * (number % 9) for number in range(40)]
    together, *alone = await asyncio.gather(
        answer_of(engine, embed(*texts)), *(answer_of(engine, embed(text)) for text in texts)
    )
    for one, other in zip(vectors_of(together), alone, strict=True):
        assert cosine(one, vectors_of(other)[0]) > 0.9995
    assert together.usage.prompt == sum(answer.usage.prompt for answer in alone)


async def test_fewer_dimensions_are_cut_and_made_a_unit_again(engine: LocalEngine) -> None:
    whole = vectors_of(await answer_of(engine, embed("A cat sat on the mat.")))[0]
    short = vectors_of(await answer_of(engine, embed("A cat sat on the mat.", dimensions=64)))[0]
    assert len(short) == 64
    assert cosine(short, short) == pytest.approx(1, abs=1e-3)
    assert short[0] / short[1] == pytest.approx(whole[0] / whole[1], rel=0.05)
    trouble = await trouble_of(engine, embed("x", dimensions=500))
    assert trouble.kind is TroubleKind.REQUEST
    assert "1 to 384" in trouble.message


async def test_a_child_killed_in_the_middle_ends_its_calls_as_died_and_comes_back(
    models_folder: Path,
) -> None:
    engine = LocalEngine(models_folder)
    try:
        await answer_of(engine, chat())
        calls = [asyncio.create_task(engine.call(chat("Tell a long story."), DEADLINE_S)) for _ in range(4)]
        await asyncio.sleep(0.3)
        (child,) = children(engine)
        assert child.pid
        os.kill(child.pid, signal.SIGKILL)
        for trouble in await asyncio.gather(*calls):
            assert isinstance(trouble, Trouble)
            assert trouble.kind is TroubleKind.DIED
        assert "Paris" in texts_of(await answer_of(engine, chat()))[0]
    finally:
        await engine.stop()


def children(engine: LocalEngine) -> list[Supervisor]:
    return list(engine._children.values())


ORPHAN = """
import asyncio, sys
from pathlib import Path
from backburner.core.exchange import Call, CallKind
from backburner.engines.local.engine import CHAT_MODEL, LocalEngine

async def main():
    engine = LocalEngine(Path(sys.argv[1]))
    def chat(text, most):
        body = {"messages": [{"role": "user", "content": text}], "max_completion_tokens": most}
        return engine.call(Call(kind=CallKind.CHAT, model=CHAT_MODEL, body=body), 100)
    await chat("hello", 2)
    print(next(iter(engine._children.values())).pid, flush=True)
    await asyncio.gather(*(chat("Tell a long story.", 4000) for _ in range(32)))

asyncio.run(main())
"""


async def test_no_child_outlives_a_parent_killed_with_9(models_folder: Path) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", ORPHAN, str(models_folder)], stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout
    pid = int(await asyncio.to_thread(parent.stdout.readline))
    os.kill(pid, 0)
    parent.kill()
    parent.wait()
    clock = SystemClock()
    until = clock.monotonic() + 10
    while Path(f"/proc/{pid}").exists() and "zombie" not in Path(f"/proc/{pid}/status").read_text():
        assert clock.monotonic() < until, "the child still runs"
        await clock.sleep(0.05)
    parent.stdout.close()
