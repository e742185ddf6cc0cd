from collections.abc import AsyncIterator

import pytest

from backburner.outbound.events import event_data

STREAM = (
    b": a comment\n\nevent: x\ndata: one\n\n"
    b"data:two\r\ndata:  three\r\n\r\n"
    b"id: 5\n\n"
    b"data\rdata: \xc3\xa4\r\r"
    b"data: [DONE]\n\ndata: cut off"
)
EVENTS = [b"one", b"two\n three", b"\n\xc3\xa4", b"[DONE]"]


async def in_pieces(size: int) -> AsyncIterator[bytes]:
    for start in range(0, len(STREAM), size):
        yield STREAM[start : start + size]


@pytest.mark.parametrize("size", [1, 2, 3, 7, len(STREAM)])
async def test_events_are_the_same_however_the_bytes_arrive(size: int) -> None:
    assert [data async for data in event_data(in_pieces(size))] == EVENTS
