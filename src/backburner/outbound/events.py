"""Server-sent events, read: bytes as they come in, the data of each event out.

Only `data` is of interest to us; names, ids and comments are passed over. An event that the connection's
end cuts off is dropped, as the standard says.
"""

from collections.abc import AsyncIterator


async def event_data(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The data of each event, its lines joined by line breaks."""
    data: list[bytes] = []
    async for line in _lines(chunks):
        if not line:
            if data:
                yield b"\n".join(data)
                data.clear()
        elif line == b"data":
            data.append(b"")
        elif line.startswith(b"data:"):
            data.append(line[6:] if line[5:6] == b" " else line[5:])


async def _lines(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Lines without their end, which is LF, CR LF or CR; what follows the last end is not a line."""
    parts: list[bytes] = []  # of the line that has not ended: joined once, or a long line costs its square
    skip_lf = False  # the CR of a CR LF ended a line already, in the chunk before
    async for chunk in chunks:
        if skip_lf and chunk.startswith(b"\n"):
            chunk = chunk[1:]
        skip_lf = chunk.endswith(b"\r") if chunk else skip_lf
        if b"\r" in chunk:
            chunk = chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        first, *rest = chunk.split(b"\n")
        parts.append(first)
        for piece in rest:
            yield b"".join(parts)
            parts = [piece]
