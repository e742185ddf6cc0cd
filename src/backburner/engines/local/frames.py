"""What passes between the engine and a child: typed structs as msgpack, each behind a 4-byte length.

Bodies are OpenAI JSON as plain objects; the child builds prompts and answers, so that the parent's event
loop only moves frames. A frame that is too long or cannot be read is a bug on our side and raises.
"""

from typing import Any

import msgspec

HEADER_BYTES = 4
FRAME_BYTES_MAX = 256 * 1024 * 1024


class Ask(msgspec.Struct, tag="ask", array_like=True):
    """A CHAT body to answer; with `stream`, pieces come before the answer."""

    id: int
    body: dict[str, Any]
    stream: bool = False


class Embed(msgspec.Struct, tag="embed", array_like=True):
    id: int
    texts: list[str]
    dimensions: int | None = None


class Count(msgspec.Struct, tag="count", array_like=True):
    id: int
    body: dict[str, Any]


class Cancel(msgspec.Struct, tag="cancel", array_like=True):
    """Give up `id` and free what it holds; nothing comes back."""

    id: int


class Ready(msgspec.Struct, tag="ready", array_like=True):
    """The first frame of a child: it can be asked now."""

    context_tokens: int


class Answered(msgspec.Struct, tag="answered", array_like=True):
    """The whole answer; `cached` counts only prompt tokens that the runtime really reused."""

    id: int
    body: dict[str, Any]
    prompt: int
    output: int
    cached: int = 0


class Piece(msgspec.Struct, tag="piece", array_like=True):
    """Part of a streamed answer, as the `choices` of a chat.completion.chunk."""

    id: int
    choices: list[Any]


class Vectors(msgspec.Struct, tag="vectors", array_like=True):
    """`floats` holds the vectors one behind the other as little-endian f32."""

    id: int
    floats: bytes
    width: int
    tokens: int


class Counted(msgspec.Struct, tag="counted", array_like=True):
    id: int
    tokens: int


class Wrong(msgspec.Struct, tag="wrong", array_like=True):
    """The request cannot be done as it is; `message` says why, for the caller."""

    id: int
    message: str


class Failed(msgspec.Struct, tag="failed", array_like=True):
    """The runtime failed on this request, which may do better on another try."""

    id: int
    message: str


ToChild = Ask | Embed | Count | Cancel
ToParent = Ready | Answered | Piece | Vectors | Counted | Wrong | Failed
Reply = Answered | Vectors | Counted | Wrong | Failed

_encoder = msgspec.msgpack.Encoder()


def packed(frame: ToChild | ToParent) -> bytes:
    """The frame with its length in front."""
    buffer = bytearray(HEADER_BYTES)
    _encoder.encode_into(frame, buffer, HEADER_BYTES)
    size = len(buffer) - HEADER_BYTES
    if size > FRAME_BYTES_MAX:
        raise ValueError(f"a frame of {size} bytes is over the limit of {FRAME_BYTES_MAX}")
    buffer[:HEADER_BYTES] = size.to_bytes(HEADER_BYTES, "big")
    return bytes(buffer)


class Unpacker:
    """Turns a stream of bytes, cut anywhere, back into frames."""

    def __init__(self, of: Any) -> None:
        self._decoder: msgspec.msgpack.Decoder[Any] = msgspec.msgpack.Decoder(of)
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[Any]:
        self._buffer += data
        frames: list[Any] = []
        start = 0
        while len(self._buffer) - start >= HEADER_BYTES:
            size = int.from_bytes(self._buffer[start : start + HEADER_BYTES], "big")
            if size > FRAME_BYTES_MAX:
                raise ValueError(f"a frame of {size} bytes is over the limit of {FRAME_BYTES_MAX}")
            end = start + HEADER_BYTES + size
            if len(self._buffer) < end:
                break
            frames.append(self._decoder.decode(self._buffer[start + HEADER_BYTES : end]))
            start = end
        del self._buffer[:start]
        return frames
