"""What passes between a dialect and an engine: a Call out, an Answer or Trouble back.

The bodies are OpenAI's chat-completion and embeddings JSON as plain Python objects, the one language that
every engine speaks and every dialect translates into (design, section 6). Two extensions travel in it,
both common in the field: `top_k` and `structured` never appear where the engine's capabilities lack them.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import msgspec

from backburner.core.request import Usage

Json = Any  # a decoded JSON value


class CallKind(StrEnum):
    CHAT = "chat"
    EMBED = "embed"


class Feature(StrEnum):
    """What a request may need and an engine may lack. The value is the word used in errors."""

    CHAT = "text generation"
    EMBED = "embeddings"
    IMAGES = "image input"
    AUDIO = "audio input"
    VIDEO = "video input"
    DOCUMENTS = "document input"
    JSON_SCHEMA = "structured output (responseSchema)"
    JSON_OBJECT = "JSON output without a schema"
    TOOLS = "function calling"
    LOGPROBS = "log probabilities"
    TOP_LOGPROBS = "top log probabilities (logprobs > 0)"
    CANDIDATES = "several candidates (candidateCount > 1)"
    SEED = "seed"
    TOP_K = "topK"
    PENALTIES = "presence and frequency penalty"
    THINKING = "thinking"
    WEB_SEARCH = "Google Search grounding (google_search)"
    DIMENSIONS = "outputDimensionality"
    LOGIT_BIAS = "logit bias"
    OWN = "parameters that only some servers know"


class Capabilities(msgspec.Struct, frozen=True):
    """What one model on one engine can do. Tokens that are 0 are not known; `unasked_output_tokens` is where an answer
    is cut whose request names no limit. `slots` is the most calls in flight; where `hidden` nobody knows how many it
    really takes, and what suits it is found out, by measuring if it `queues` what is too much instead of refusing."""

    features: frozenset[Feature]
    context_tokens: int = 0
    output_tokens: int = 0
    unasked_output_tokens: int = 0
    slots: int = 16
    hidden: bool = False
    queues: bool = False


class MediaRef(msgspec.Struct, frozen=True):
    """A file of ours that a call needs; its `image_url` (or like) holds `placeholder` until the bytes are
    put in as a data: URL just before the call."""

    file_id: str
    mime_type: str
    placeholder: str


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """One request for an engine. `model` is the engine's own name for it; `needs` what must be supported.

    CHAT body: OpenAI chat completions (`messages`, `max_completion_tokens`, `response_format`, `tools`, ...).
    EMBED body: OpenAI embeddings (`input` a list of strings, `dimensions`).
    """

    kind: CallKind
    model: str
    body: dict[str, Json]
    needs: frozenset[Feature] = frozenset()
    media: tuple[MediaRef, ...] = ()
    tag: str = ""  # job id and ordinal, for logs: never prompt text


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """A 2xx from an engine: `body` is the chat completion or embeddings object it sent."""

    body: dict[str, Json]
    usage: Usage
    engine: str
    model: str  # the model that really answered


class TroubleKind(StrEnum):
    REQUEST = "request"  # the engine refuses this request: its own fault, never repeated
    BUSY = "busy"  # 429, 503: not now; closes the engine's door, costs no attempt
    TRANSIENT = "transient"  # 5xx, cut connection, unreadable answer
    TIMEOUT = "timeout"
    OPERATOR = "operator"  # upstream key, unknown upstream model: the operator must act
    DIED = "died"  # the engine went down with this call in flight


class Trouble(msgspec.Struct, frozen=True, kw_only=True):
    """A call that brought no answer. `message` is for the caller to read; no prompt text in it."""

    kind: TroubleKind
    message: str
    engine: str
    status: int = 0  # HTTP status of the upstream, 0 when there was none
    retry_after_s: float | None = None


class Delta(msgspec.Struct, frozen=True, kw_only=True):
    """A piece of a streamed answer: OpenAI's chat.completion.chunk `choices` and, in the last one, usage."""

    choices: list[Json]
    usage: Usage | None = None
    model: str = ""


def unsupported(needs: frozenset[Feature], can: Capabilities) -> list[Feature]:
    """The features that are missing, in a stable order."""
    return sorted(needs - can.features)


Headers = Mapping[str, str]
