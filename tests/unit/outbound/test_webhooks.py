"""One event, sent: signed as the standard's own example has it, and bounded whatever the receiver does."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from backburner.core.clock import SystemClock
from backburner.outbound import webhooks
from backburner.outbound.addresses import networks
from backburner.outbound.standard_webhooks import headers, key_of, new_secret
from backburner.outbound.webhooks import Posted, WebhookPost

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], object]


@pytest.fixture
async def post() -> AsyncIterator[WebhookPost]:
    made = WebhookPost(SystemClock(), networks(["127.0.0.0/8"]))
    yield made
    await made.close()


async def posted(post: WebhookPost, talk: Talk) -> Posted:
    async with await asyncio.start_server(talk, "127.0.0.1", 0) as server:  # type: ignore[arg-type]
        port = server.sockets[0].getsockname()[1]
        return await post(f"http://127.0.0.1:{port}/", b"{}", {"webhook-id": "x"})


def test_the_signature_is_that_of_the_standards_example() -> None:
    made = headers(
        ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"],
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        1614265330.9,
        b'{"test": 2432232314}',
    )
    assert made["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert made["webhook-timestamp"] == "1614265330"


def test_only_secrets_of_the_standards_form_are_taken() -> None:
    assert len(key_of(new_secret())) == 32
    for wrong in (
        "",
        "whsec_",
        "whsec_short",
        "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "whsec_!!!!",
        new_secret() + "==",
    ):
        with pytest.raises(ValueError, match="whsec_"):
            key_of(wrong)


async def test_a_receiver_that_never_answers_is_left(
    post: WebhookPost, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhooks, "POST_S", 0.2)
    assert await posted(post, lambda reader, writer: None) == Posted(None, "no answer in time")


async def test_of_an_answer_only_the_status_counts_however_much_there_is(post: WebhookPost) -> None:
    async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 503 Busy\r\nRetry-After: 7\r\nTransfer-Encoding: chunked\r\n\r\n")
        try:
            while True:
                writer.write(b"400\r\n" + b"x" * 1024 + b"\r\n")
                await writer.drain()
        except OSError:
            writer.close()

    assert await posted(post, endless) == Posted(503, "", 7.0)


async def test_nobody_there_is_said_in_words(post: WebhookPost) -> None:
    found = await post("http://127.0.0.1:1/", b"{}", {})
    assert found.status is None and found.why.startswith("cannot connect: ")
