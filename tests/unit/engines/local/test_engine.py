"""LocalEngine on fake children: what every engine promises, and what becomes of calls when a child dies."""

import asyncio
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from backburner.core.exchange import Answer, Call, CallKind, Feature, Trouble, TroubleKind
from backburner.engines.local import runtime
from backburner.engines.local.catalogue import CHAT_MODEL, EMBED_MODEL
from backburner.engines.local.engine import LocalEngine
from backburner.engines.protocol import Health
from tests.unit.engines.conformance import Conformance, Rig, chat, embed, until

Make = Callable[..., LocalEngine]


class Held:
    """Reads how many calls the fake child holds."""

    def __init__(self, models_dir: Path) -> None:
        self.note = models_dir / CHAT_MODEL / "held"

    def __call__(self) -> int:
        return int(self.note.read_text()) if self.note.exists() else 0


class Hanging(LocalEngine):
    """Turns every chat into one that never ends."""

    async def call(self, call: Call, deadline_s: float) -> Answer | Trouble:
        return await super().call(chat(call.model, "hang"), deadline_s)

    def stream(self, call: Call, deadline_s: float):
        return super().stream(chat(call.model, "hang"), deadline_s)


class TestConformance(Conformance):
    @pytest.fixture
    async def rig(self, make: Make, models_dir: Path) -> Rig:
        hanging = make(name="slow")
        hanging.__class__ = Hanging
        # Its child is there before the clock of a short deadline runs.
        assert isinstance(await LocalEngine.call(hanging, chat(CHAT_MODEL), 10), Answer)
        return Rig(
            engine=make(),
            hanging=hanging,
            model=CHAT_MODEL,
            embed_model=EMBED_MODEL,
            lacks=Feature.IMAGES,
            unknown="gpt-17",
            held=Held(models_dir),
        )


async def test_a_death_ends_every_call_in_flight_as_died_and_the_next_call_works(make: Make) -> None:
    engine = make()
    assert isinstance(await engine.call(chat(CHAT_MODEL), 10), Answer)
    waiting = [asyncio.create_task(engine.call(chat(CHAT_MODEL, "hang"), 10)) for _ in range(3)]
    await asyncio.sleep(0.05)
    killer = await engine.call(chat(CHAT_MODEL, "die"), 10)
    for trouble in (killer, *await asyncio.gather(*waiting)):
        assert isinstance(trouble, Trouble)
        assert trouble.kind is TroubleKind.DIED
        assert CHAT_MODEL in trouble.message
        assert "signal 9" in trouble.message
    assert isinstance(await engine.call(chat(CHAT_MODEL), 10), Answer)


async def test_a_child_killed_from_outside_is_replaced(make: Make, models_dir: Path) -> None:
    engine = make()
    await engine.call(chat(CHAT_MODEL), 10)
    pid = models_dir / CHAT_MODEL / "pid"
    first = int(pid.read_text())
    os.kill(first, signal.SIGKILL)
    await until(lambda: engine.status().health is not Health.UP)
    assert isinstance(await engine.call(chat(CHAT_MODEL), 10), Answer)
    assert int(pid.read_text()) != first
    assert engine.status().health is Health.UP


async def test_a_child_that_speaks_nonsense_counts_as_dead(make: Make) -> None:
    engine = make()
    trouble = await engine.call(chat(CHAT_MODEL, "garbage"), 10)
    assert isinstance(trouble, Trouble)
    assert trouble.kind is TroubleKind.DIED
    assert isinstance(await engine.call(chat(CHAT_MODEL), 10), Answer)


async def test_a_child_that_never_gets_up_is_not_waited_for(make: Make, models_dir: Path) -> None:
    (models_dir / CHAT_MODEL / "stillborn").touch()
    engine = make()
    trouble = await engine.call(chat(CHAT_MODEL), 10)
    assert isinstance(trouble, Trouble)
    assert trouble.kind is TroubleKind.BUSY
    assert "no such model" in trouble.message
    assert engine.status().health is Health.DOWN
    assert "no such model" in engine.status().reason


async def test_one_childs_death_does_not_touch_the_other(make: Make) -> None:
    engine = make()
    await engine.call(embed(EMBED_MODEL, "one"), 10)
    assert isinstance(await engine.call(chat(CHAT_MODEL, "die"), 10), Trouble)
    assert isinstance(await engine.call(embed(EMBED_MODEL, "one"), 10), Answer)


@pytest.mark.parametrize(("text", "kind"), [("wrong", TroubleKind.REQUEST), ("fail", TroubleKind.TRANSIENT)])
async def test_what_the_child_says_keeps_its_kind(make: Make, text: str, kind: TroubleKind) -> None:
    trouble = await make().call(chat(CHAT_MODEL, text), 10)
    assert isinstance(trouble, Trouble)
    assert trouble.kind is kind
    assert trouble.message.startswith("not ")


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (chat(CHAT_MODEL, seed=10**40), "malformed"),
        (Call(kind=CallKind.EMBED, model=EMBED_MODEL, body={}), "input: expected a string"),
        (Call(kind=CallKind.EMBED, model=EMBED_MODEL, body={"input": [[1, 2]]}), "input: expected a string"),
        (Call(kind=CallKind.EMBED, model=EMBED_MODEL, body={"input": "x", "dimensions": "8"}), "dimensions"),
    ],
)
async def test_a_body_that_cannot_be_sent_is_the_requests_fault(make: Make, call: Call, words: str) -> None:
    engine = make()
    trouble = await engine.call(call, 10)
    assert isinstance(trouble, Trouble)
    assert trouble.kind is TroubleKind.REQUEST
    assert words in trouble.message
    assert isinstance(await engine.call(embed(EMBED_MODEL, "one"), 10), Answer)


async def test_calls_in_flight_end_when_the_engine_stops(make: Make) -> None:
    engine = make()
    await engine.call(chat(CHAT_MODEL), 10)
    waiting = asyncio.create_task(engine.call(chat(CHAT_MODEL, "hang"), 10))
    await asyncio.sleep(0.05)
    await engine.stop()
    trouble = await waiting
    assert isinstance(trouble, Trouble)
    assert trouble.kind is TroubleKind.DIED


async def test_embeddings_come_as_plain_numbers_in_order(make: Make) -> None:
    answer = await make().call(embed(EMBED_MODEL, "eel", "a"), 10)
    assert isinstance(answer, Answer)
    assert [each["embedding"] for each in answer.body["data"]] == [[3.0, 2.0, 1.0], [1.0, 0.0, 1.0]]
    assert [each["index"] for each in answer.body["data"]] == [0, 1]
    assert answer.usage.prompt == answer.body["usage"]["prompt_tokens"] == 2


async def test_models_are_named_honestly_before_and_after_the_pull(tmp_path: Path) -> None:
    engine = LocalEngine(tmp_path / "nothing-here")
    assert [model.id for model in engine.models()] == [CHAT_MODEL, EMBED_MODEL]
    status = engine.status()
    assert status.health is Health.DOWN
    assert "backburner models pull" in status.reason
    trouble = await engine.call(chat(CHAT_MODEL), 1)
    assert isinstance(trouble, Trouble)
    assert trouble.kind is TroubleKind.OPERATOR
    assert "backburner models pull" in trouble.message


async def test_without_the_extra_the_command_to_install_it_is_named(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runtime, "missing", lambda: ["openvino"])
    engine = make()
    assert engine.status().health is Health.DOWN
    assert "pip install 'backburner[local]'" in engine.status().reason
    trouble = await engine.call(chat(CHAT_MODEL), 1)
    assert isinstance(trouble, Trouble)
    assert "pip install 'backburner[local]'" in trouble.message


async def test_models_pulled_later_are_found_without_a_restart(tmp_path: Path) -> None:
    from .conftest import FAKE, install

    engine = LocalEngine(tmp_path, child_command=FAKE)
    assert isinstance(await engine.call(chat(CHAT_MODEL), 5), Trouble)
    install(tmp_path, CHAT_MODEL, CallKind.CHAT)
    assert isinstance(await engine.call(chat(CHAT_MODEL), 10), Answer)
    await engine.stop()


async def test_warm_models_have_their_child_before_the_first_call(make: Make, models_dir: Path) -> None:
    engine = make(warm=[CHAT_MODEL])
    await engine.start()
    await until((models_dir / CHAT_MODEL / "pid").exists)
    assert not (models_dir / EMBED_MODEL / "pid").exists()
