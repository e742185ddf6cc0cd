"""What every engine promises, whatever is behind it. A kind of engine passes by subclassing `Conformance`
with a fixture `rig` (see test_simulated.py)."""

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from backburner.core.exchange import Answer, Call, CallKind, Delta, Feature, Trouble, TroubleKind
from backburner.engines.protocol import Engine, Health


@dataclass
class Rig:
    """An engine that answers at once, one that never answers within a test, and how many calls the latter
    holds. `lacks` is a feature that `model` has not got; `unknown` a model that is not served, or None."""

    engine: Engine
    hanging: Engine
    model: str
    embed_model: str
    lacks: Feature
    unknown: str | None = None
    counts_tokens: bool = True
    held: Callable[[], int] = field(default=lambda: 0)


def chat(model: str, text: str = "Say yes or no", **more: Any) -> Call:
    body = {"messages": [{"role": "user", "content": text}], **more}
    return Call(kind=CallKind.CHAT, model=model, body=body, needs=frozenset({Feature.CHAT}), tag="job/0")


def embed(model: str, *texts: str) -> Call:
    return Call(
        kind=CallKind.EMBED, model=model, body={"input": list(texts)}, needs=frozenset({Feature.EMBED})
    )


async def all_of(engine: Engine, call: Call, deadline_s: float) -> list[Delta | Trouble]:
    return [each async for each in engine.stream(call, deadline_s)]


async def until(fact: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not fact():
            await asyncio.sleep(0.005)


class Conformance:
    async def test_it_is_up_and_says_what_it_can(self, rig: Rig) -> None:
        assert rig.engine.name
        assert rig.engine.status().health is Health.UP
        can = rig.engine.capabilities(rig.model)
        assert can is not None
        assert Feature.CHAT in can.features
        assert can.slots >= 1

    async def test_a_chat_call_brings_a_completion(self, rig: Rig) -> None:
        answer = await rig.engine.call(chat(rig.model), 5)
        assert isinstance(answer, Answer), answer
        choice = answer.body["choices"][0]
        assert choice["message"]["content"]
        assert choice["finish_reason"] == "stop"
        assert answer.engine == rig.engine.name
        assert answer.model
        assert answer.usage.prompt > 0
        assert answer.usage.output > 0

    async def test_an_embedding_call_brings_a_vector_for_each_input(self, rig: Rig) -> None:
        answer = await rig.engine.call(embed(rig.embed_model, "one", "two"), 5)
        assert isinstance(answer, Answer), answer
        vectors = [each["embedding"] for each in answer.body["data"]]
        assert len(vectors) == 2
        assert all(isinstance(number, float) for number in vectors[0])
        assert vectors[0] != vectors[1]

    async def test_a_stream_says_the_same_as_a_call(self, rig: Rig) -> None:
        whole = await rig.engine.call(chat(rig.model), 5)
        assert isinstance(whole, Answer)
        deltas = await all_of(rig.engine, chat(rig.model), 5)
        assert len(deltas) > 1
        text, endings, usage = "", [], None
        for delta in deltas:
            assert isinstance(delta, Delta), delta
            usage = delta.usage or usage
            for choice in delta.choices:
                text += choice["delta"].get("content") or ""
                endings += [choice["finish_reason"]] if choice.get("finish_reason") else []
        assert text == whole.body["choices"][0]["message"]["content"]
        assert endings == ["stop"]
        assert usage == whole.usage

    async def test_a_call_past_its_deadline_is_a_timeout(self, rig: Rig) -> None:
        trouble = await rig.hanging.call(chat(rig.model), 0.05)
        assert isinstance(trouble, Trouble)
        assert trouble.kind is TroubleKind.TIMEOUT
        assert rig.hanging.name in trouble.message
        await until(lambda: rig.held() == 0)

    async def test_a_stream_past_its_deadline_ends_in_a_timeout(self, rig: Rig) -> None:
        last = (await all_of(rig.hanging, chat(rig.model), 0.05))[-1]
        assert isinstance(last, Trouble)
        assert last.kind is TroubleKind.TIMEOUT
        await until(lambda: rig.held() == 0)

    async def test_a_cancelled_call_lets_go_of_what_it_held(self, rig: Rig) -> None:
        task = asyncio.create_task(rig.hanging.call(chat(rig.model), 60))
        await until(lambda: rig.held() == 1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await until(lambda: rig.held() == 0)

    async def test_a_stream_that_is_left_lets_go_of_what_it_held(self, rig: Rig) -> None:
        async def read() -> None:
            stream: Any = rig.hanging.stream(chat(rig.model), 60)
            async with contextlib.aclosing(stream):
                async for _ in stream:
                    pass

        task = asyncio.create_task(read())
        await until(lambda: rig.held() == 1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await until(lambda: rig.held() == 0)

    async def test_tokens_are_counted_or_it_is_said_that_they_cannot_be(self, rig: Rig) -> None:
        few = await rig.engine.count_tokens(rig.model, chat(rig.model, "one two").body)
        if rig.counts_tokens:
            many = await rig.engine.count_tokens(rig.model, chat(rig.model, "one two " * 20).body)
            assert isinstance(few, int)
            assert isinstance(many, int)
            assert 0 < few < many
        else:
            assert isinstance(few, Trouble)
            assert few.kind is TroubleKind.REQUEST
            assert "token" in few.message

    async def test_a_missing_feature_is_named_with_the_engine(self, rig: Rig) -> None:
        call = chat(rig.model)
        needy = Call(kind=call.kind, model=call.model, body=call.body, needs=frozenset({rig.lacks}))
        for trouble in (await rig.engine.call(needy, 5), (await all_of(rig.engine, needy, 5))[-1]):
            assert isinstance(trouble, Trouble)
            assert trouble.kind is TroubleKind.REQUEST
            assert rig.lacks.value in trouble.message
            assert rig.engine.name in trouble.message

    async def test_an_unknown_model_is_the_operators_business(self, rig: Rig) -> None:
        if rig.unknown is None:
            assert rig.engine.capabilities("whatever-it-is-called") is not None
            return
        assert rig.engine.capabilities(rig.unknown) is None
        trouble = await rig.engine.call(chat(rig.unknown), 5)
        assert isinstance(trouble, Trouble)
        assert trouble.kind is TroubleKind.OPERATOR
        assert rig.unknown in trouble.message

    async def test_stopping_twice_does_no_harm(self, rig: Rig) -> None:
        await rig.engine.stop()
        await rig.engine.stop()
