import asyncio
import gzip
from collections.abc import AsyncIterator

import pytest

from backburner.core.clock import SystemClock
from backburner.outbound.http import Http, Lost, NoReply, Reply
from tests.doubles.recording_server import Answer, Cut, Hang, RecordingServer, Slow

CHAT = b'{"model": "chat-model", "messages": [{"role": "user", "content": "hello there"}]}'


@pytest.fixture
async def server() -> AsyncIterator[RecordingServer]:
    async with RecordingServer() as running:
        yield running


@pytest.fixture
async def http() -> AsyncIterator[Http]:
    client = Http(SystemClock(), answer_bytes=1024 * 1024)
    yield client
    await client.close()


async def post(http: Http, server: RecordingServer, deadline_s: float = 5) -> Reply:
    return await http.request("POST", f"{server.base_url}/chat/completions", body=CHAT, deadline_s=deadline_s)


async def lost(http: Http, server: RecordingServer, deadline_s: float = 5) -> NoReply:
    with pytest.raises(NoReply) as raised:
        await post(http, server, deadline_s)
    return raised.value


async def test_a_reply_is_whole_and_the_connection_used_again(http: Http, server: RecordingServer) -> None:
    for _ in range(5):
        reply = await post(http, server)
        assert reply.status == 200
        assert b"hello there" in reply.body
        assert reply.headers["content-type"].startswith("application/json")
    assert server.chats[0].raw == CHAT
    assert server.chats[0].headers["User-Agent"] == "backburner"
    assert len(server.connections) == 1


async def test_any_status_is_a_reply_and_redirects_are_not_followed(
    http: Http, server: RecordingServer
) -> None:
    server.next(Answer(500), Answer(307, headers={"Location": f"{server.root}/version"}))
    assert [(await post(http, server)).status for _ in range(2)] == [500, 307]
    assert {each.path for each in server.requests} == {"/v1/chat/completions"}


async def test_nobody_there_is_unreachable(http: Http, server: RecordingServer) -> None:
    await server.deafen()
    assert (await lost(http, server)).lost is Lost.UNREACHABLE


@pytest.mark.parametrize("cut", [Cut(), Cut(after=0), Cut(after=20)])
async def test_a_cut_connection_is_told_before_and_within_the_body(
    http: Http, server: RecordingServer, cut: Cut
) -> None:
    server.next(cut)
    assert (await lost(http, server)).lost is Lost.CUT
    assert (await post(http, server)).status == 200


@pytest.mark.parametrize("hang", [Hang(), Hang(after_head=True)])
async def test_the_deadline_covers_head_and_body_and_frees_the_connection(
    http: Http, server: RecordingServer, hang: Hang
) -> None:
    server.next(hang)
    assert (await lost(http, server, deadline_s=0.1)).lost is Lost.LATE
    async with asyncio.timeout(5):
        while server.held:
            await asyncio.sleep(0.005)


async def test_an_answer_over_the_bound_is_not_read_on(http: Http, server: RecordingServer) -> None:
    server.next(Answer(body=b"x" * (1024 * 1024)), Answer(body=b"x" * (1024 * 1024 + 1)))
    assert len((await post(http, server)).body) == 1024 * 1024
    assert (await lost(http, server)).lost is Lost.TOO_LARGE


async def test_a_packed_answer_is_bounded_unpacked(http: Http, server: RecordingServer) -> None:
    bomb = gzip.compress(bytes(50 * 1024 * 1024))
    server.next(Answer(body=bomb, headers={"Content-Encoding": "gzip"}))
    assert (await lost(http, server)).lost is Lost.TOO_LARGE


async def test_calls_wait_for_a_free_connection_inside_their_deadline(server: RecordingServer) -> None:
    client = Http(SystemClock(), connections=2)
    server.always = Slow(0.05)
    assert len(await asyncio.gather(*(post(client, server) for _ in range(6)))) == 6
    assert len(server.connections) == 2
    server.always = Hang()
    hanging = [asyncio.create_task(post(client, server, 60)) for _ in range(2)]
    while server.held < 2:
        await asyncio.sleep(0.005)
    assert (await lost(client, server, 0.05)).lost is Lost.LATE
    for task in hanging:
        task.cancel()
    await asyncio.wait(hanging)
    await client.close()


async def test_a_proxy_in_the_environment_is_used_only_when_asked_for(
    monkeypatch: pytest.MonkeyPatch, server: RecordingServer
) -> None:
    async with RecordingServer() as proxy:
        monkeypatch.setenv("http_proxy", proxy.root)
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.delenv("NO_PROXY", raising=False)
        plain, proxied = Http(SystemClock()), Http(SystemClock(), environment_proxies=True)
        await post(plain, server)
        assert (len(server.chats), len(proxy.chats)) == (1, 0)
        await post(proxied, server)
        assert (len(server.chats), len(proxy.chats)) == (1, 1)
        await plain.close()
        await proxied.close()
