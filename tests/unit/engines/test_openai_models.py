"""Which models and what kind of server are found, and whether it is there."""

import asyncio

import pytest

from backburner.core.clock import SystemClock
from backburner.core.errors import InvalidArgument
from backburner.core.exchange import Answer, Call, Feature, TroubleKind
from backburner.engines.openai import OpenAIEngine
from backburner.engines.protocol import Health
from tests.doubles.recording_server import Answer as Says
from tests.doubles.recording_server import Cut, RecordingServer, Slow
from tests.unit.engines.conformance import chat, until
from tests.unit.engines.upstream import SECRET, connected, trouble_of


class WaitingClock(SystemClock):
    """`sleep` waits until the test says that time has passed."""

    def __init__(self) -> None:
        self.asked_s: list[float] = []
        self._passed = asyncio.Event()

    async def sleep(self, duration_s: float) -> None:
        self.asked_s.append(duration_s)
        await self._passed.wait()
        self._passed.clear()

    def pass_time(self) -> None:
        self._passed.set()


async def test_the_models_are_the_servers_own(server: RecordingServer, engine: OpenAIEngine) -> None:
    assert [each.id for each in engine.models()] == ["chat-model", "embed-model"]
    can = engine.capabilities("chat-model")
    assert can is not None
    assert can.context_tokens == 2048
    assert can.slots == engine.kind.slots
    assert engine.capabilities("other") is None


async def test_configured_models_slots_and_features_come_first(server: RecordingServer) -> None:
    some = frozenset({Feature.CHAT})
    async with connected(server, models=["mine"], slots=3, features=some) as engine:
        assert [each.id for each in engine.models()] == ["mine"]
        can = engine.capabilities("mine")
        assert can is not None
        assert (can.slots, can.features) == (3, some)
        assert engine.capabilities("chat-model") is None
        needy = Call(
            kind=chat("m").kind, model="mine", body={}, needs=frozenset({Feature.IMAGES, Feature.SEED})
        )
        trouble = await trouble_of(engine, needy)
        assert "(vllm) cannot do image input, seed" in trouble.message
        assert server.chats == []


async def test_names_as_other_doors_write_them() -> None:
    async with (
        RecordingServer("ollama", ("llama3:latest",)) as server,
        connected(server) as engine,
    ):
        assert engine.capabilities("llama3") is not None
    async with (
        RecordingServer("google", ("models/gemini-x",)) as server,
        connected(server) as engine,
    ):
        assert [each.id for each in engine.models()] == ["gemini-x"]


@pytest.mark.parametrize("kind", ["vllm", "ollama"])
async def test_a_kind_is_recognised_by_its_own_path_where_its_models_tell_nothing(kind: str) -> None:
    server = RecordingServer(kind)
    async with server:
        server.models = ()
        async with connected(server) as engine:
            assert engine.kind.name == kind


@pytest.mark.parametrize("ending", ["", "/", "/v1", "/v1/"])
async def test_the_base_url_may_come_with_or_without_its_version(
    server: RecordingServer, ending: str
) -> None:
    async with connected(server, server.root + ending) as engine:
        assert isinstance(await engine.call(chat("chat-model"), 5), Answer)
        assert isinstance(await engine.count_tokens("chat-model", chat("chat-model").body), int)


@pytest.mark.parametrize(
    ("base_url", "kind"), [("localhost:8000", "auto"), ("", "auto"), ("http://x", "vlm")]
)
def test_a_wrong_address_or_kind_is_refused(base_url: str, kind: str) -> None:
    with pytest.raises(InvalidArgument) as refused:
        OpenAIEngine("up", base_url, SystemClock(), kind=kind)
    assert "expected" in refused.value.message or "write it as" in refused.value.message


async def test_a_server_that_is_down_at_the_start_takes_any_name_and_is_found_when_it_comes_up(
    server: RecordingServer,
) -> None:
    await server.deafen()
    clock = WaitingClock()
    async with connected(server, clock=clock) as engine:
        status = engine.status()
        assert status.health is Health.DOWN
        assert "connect" in status.reason
        assert engine.models() == []
        assert engine.capabilities("anything") is not None
        await server.listen()
        await until(lambda: clock.asked_s == [5.0])
        clock.pass_time()
        await until(lambda: engine.status().health is Health.UP)
        assert engine.kind.name == "vllm"
        assert engine.capabilities("anything") is None
        await until(lambda: clock.asked_s == [5.0, 60.0])


async def test_three_losses_in_a_row_are_an_outage_and_one_answer_ends_it(
    server: RecordingServer, engine: OpenAIEngine
) -> None:
    async def after(*faults: Says | Cut | Slow) -> Health:
        server.next(*faults)
        for _ in faults:
            await engine.call(chat("chat-model"), 5)
        return engine.status().health

    assert await after(Says(500), Cut()) is Health.UP
    assert await after(Says(400), Says(500), Cut()) is Health.UP  # a refusal is a sign of life
    assert await after(Says(502)) is Health.DOWN
    assert "502" in engine.status().reason
    assert await after(Slow(0)) is Health.UP


async def test_a_refused_key_is_told_at_the_start(server: RecordingServer) -> None:
    server.api_key = SECRET
    async with connected(server, api_key="wrong") as engine:
        assert engine.status().health is Health.DOWN
        assert "refuses our key" in engine.status().reason


async def test_a_server_without_a_list_of_models_is_a_server() -> None:
    async with RecordingServer() as server, connected(server, f"{server.root}/other/v1") as engine:
        assert engine.status().health is Health.UP
        assert (await trouble_of(engine)).kind is TroubleKind.OPERATOR


def test_an_engine_that_was_not_started_is_starting() -> None:
    assert OpenAIEngine("up", "http://localhost:1", SystemClock()).status().health is Health.STARTING
