"""Between the protocol's values and the frames: calls out, embeddings and model descriptions back. Pure."""

import array
import sys

from backburner.core.exchange import Call, CallKind, Capabilities, Feature, Json
from backburner.core.limits import DEFAULT_OUTPUT_TOKENS
from backburner.engines.local.catalogue import KnownModel
from backburner.engines.local.frames import Ask, Embed, ToChild, Vectors
from backburner.engines.local.setup import CHAT_SLOTS, EMBED_SLOTS
from backburner.engines.local.store import Manifest
from backburner.engines.protocol import ModelInfo

CHAT_FEATURES = frozenset(
    {
        Feature.CHAT,
        Feature.JSON_SCHEMA,
        Feature.JSON_OBJECT,
        Feature.TOOLS,
        Feature.LOGPROBS,
        Feature.CANDIDATES,
        Feature.SEED,
        Feature.TOP_K,
        Feature.PENALTIES,
    }
)
EMBED_FEATURES = frozenset({Feature.EMBED, Feature.DIMENSIONS})


def frame_of(call: Call, number: int, *, stream: bool) -> ToChild:
    """What the child is asked. Raises TypeError for an embeddings body that is none."""
    if call.kind is CallKind.CHAT:
        return Ask(number, call.body, stream)
    texts = call.body.get("input")
    texts = [texts] if isinstance(texts, str) else texts
    dimensions = call.body.get("dimensions")
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise TypeError("input: expected a string or a list of strings")
    if dimensions is not None and not isinstance(dimensions, int):
        raise TypeError(f"dimensions: expected a whole number, found {dimensions!r}")
    return Embed(number, texts, dimensions)


def embeddings_body(model: str, reply: Vectors) -> dict[str, Json]:
    floats = array.array("f", reply.floats)
    if sys.byteorder == "big":
        floats.byteswap()
    numbers = floats.tolist()
    width = reply.width
    rows = [numbers[start : start + width] for start in range(0, len(numbers), width)]
    return {
        "object": "list",
        "model": model,
        "data": [{"object": "embedding", "index": index, "embedding": row} for index, row in enumerate(rows)],
        "usage": {"prompt_tokens": reply.tokens, "total_tokens": reply.tokens},
    }


def info_of(model: KnownModel | Manifest) -> ModelInfo:
    """A model as the protocol lists it, pulled or only known."""
    chat = model.kind is CallKind.CHAT
    return ModelInfo(
        id=model.id,
        display_name=model.display_name,
        description=model.description,
        capabilities=Capabilities(
            features=CHAT_FEATURES if chat else EMBED_FEATURES,
            context_tokens=model.context_tokens,
            output_tokens=model.context_tokens if chat else 0,
            unasked_output_tokens=DEFAULT_OUTPUT_TOKENS if chat else 0,
            slots=CHAT_SLOTS if chat else EMBED_SLOTS,
        ),
    )
