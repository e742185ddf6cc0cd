"""What a child is told when it is started: one JSON argument on its command line."""

import msgspec

from backburner.core.exchange import CallKind

CHAT_SLOTS = 64
EMBED_SLOTS = 256
EMBED_BATCH_TEXTS = 128


class Setup(msgspec.Struct, frozen=True, kw_only=True):
    """`socket` is the file descriptor of the child's end of the pair. `cache_bytes` is the room for the
    keys and values of all sequences together; `context_tokens` 0 means that the model does not say."""

    kind: CallKind
    model: str
    model_dir: str
    socket: int
    parent: int  # process id
    threads: int
    cache_bytes: int
    context_tokens: int
    output_tokens: int
    temperature: float
    top_p: float
    slots: int = CHAT_SLOTS
    seed: int = 0  # of the child's own draws, for requests that bring no seed


def argument_of(setup: Setup) -> str:
    return msgspec.json.encode(setup).decode()


def setup_of(argument: str) -> Setup:
    return msgspec.json.decode(argument, type=Setup)
