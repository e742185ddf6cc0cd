"""What the servers that speak OpenAI's language differ in, one row each, and how one is recognised.

A feature stands in a row where the server honours the field or refuses it in words; where it would pass
over it in silence, the feature is missing and the request is refused by us instead. Which features a
*model* has (vision, tools) the server knows and says.

No row sends a priority by itself: vLLM and SGLang refuse the field unless started with the flag named here.
"""

from collections.abc import Mapping
from enum import StrEnum

import msgspec

from backburner.core.errors import InvalidArgument
from backburner.core.exchange import Capabilities, Feature, Json
from backburner.engines.protocol import ModelInfo

AUTO = "auto"
SLOTS_MAX = 256  # calls at once to a server whose limit nobody knows


class TokenCount(StrEnum):
    MESSAGES = "messages"  # POST /tokenize takes a model and messages or a prompt (vLLM)
    TEMPLATE = "template"  # POST /apply-template, then POST /tokenize of its text (llama.cpp)
    NONE = "none"


class Priority(msgspec.Struct, frozen=True):
    """The request field that orders a server's queue; `flag` is what the server must be started with."""

    field: str
    smaller_first: bool
    flag: str

    def value(self, urgency: int) -> int:
        """What to send for an urgency of ours, of which the larger goes first."""
        return -urgency if self.smaller_first else urgency


class ServerKind(msgspec.Struct, frozen=True, kw_only=True):
    """`max_tokens_field` is what the server calls a maximum of output tokens. `top_k` goes by that name in
    every row that has the feature. `cached_flag` is what a server needs to report cached prompt tokens,
    empty where it does so anyway or never. `slots` is the most calls at once if nobody says; `hidden` where that is
    but a bound, and `queues` where too many wait there and are not refused (policy/pace.py, policy/knee.py)."""

    name: str
    features: frozenset[Feature]
    max_tokens_field: str = "max_tokens"
    priority: Priority | None = None
    cached_flag: str = ""
    tokens: TokenCount = TokenCount.NONE
    slots: int = SLOTS_MAX
    hidden: bool = True
    queues: bool = False


_ALL = frozenset(
    {
        Feature.CHAT,
        Feature.EMBED,
        Feature.IMAGES,
        Feature.JSON_SCHEMA,
        Feature.JSON_OBJECT,
        Feature.TOOLS,
        Feature.LOGPROBS,
        Feature.TOP_LOGPROBS,
        Feature.SEED,
        Feature.PENALTIES,
        Feature.OWN,
    }
)

KINDS: Mapping[str, ServerKind] = {
    kind.name: kind
    for kind in (
        ServerKind(
            name="vllm",
            features=_ALL
            | {Feature.CANDIDATES, Feature.TOP_K, Feature.DIMENSIONS, Feature.THINKING}
            | {Feature.AUDIO, Feature.VIDEO, Feature.LOGIT_BIAS},
            max_tokens_field="max_completion_tokens",
            priority=Priority("priority", smaller_first=True, flag="--scheduling-policy priority"),
            cached_flag="--enable-prompt-tokens-details",
            tokens=TokenCount.MESSAGES,
            queues=True,
        ),
        ServerKind(
            name="sglang",
            features=_ALL
            | {Feature.CANDIDATES, Feature.TOP_K, Feature.DIMENSIONS, Feature.THINKING}
            | {Feature.AUDIO, Feature.VIDEO, Feature.LOGIT_BIAS},
            max_tokens_field="max_completion_tokens",
            priority=Priority("priority", smaller_first=False, flag="--enable-priority-scheduling"),
            cached_flag="--enable-cache-report",
            queues=True,
        ),
        ServerKind(
            name="llamacpp",
            # Older builds refuse n > 1 in words; `dimensions` is passed over in silence.
            features=_ALL | {Feature.CANDIDATES, Feature.TOP_K, Feature.AUDIO, Feature.LOGIT_BIAS},
            tokens=TokenCount.TEMPLATE,
            slots=8,
            hidden=False,
        ),
        ServerKind(
            name="ollama",
            # Passes over n and top_k in silence.
            features=_ALL | {Feature.DIMENSIONS, Feature.THINKING},
            slots=4,
            hidden=False,
        ),
        ServerKind(
            name="openai",
            features=_ALL
            | {Feature.CANDIDATES, Feature.DIMENSIONS, Feature.THINKING}
            | {Feature.AUDIO, Feature.DOCUMENTS, Feature.LOGIT_BIAS},
            max_tokens_field="max_completion_tokens",
        ),
        # Any other: what nearly all of them do, under the names that nearly all of them know.
        ServerKind(
            name="generic",
            features=_ALL | {Feature.CANDIDATES, Feature.DIMENSIONS, Feature.LOGIT_BIAS},
            queues=True,
        ),
    )
}
GENERIC = KINDS["generic"]
_BY_OWNER = {"vllm": "vllm", "sglang": "sglang", "llamacpp": "llamacpp", "library": "ollama"}
# What each of these says of itself at a path of its own; asked where the owner of the models tells nothing.
PROBES: Mapping[str, str] = {"/version": "vllm", "/api/version": "ollama"}


def named_kind(name: str) -> ServerKind | None:
    """The row of that name, None for `auto`. Raises InvalidArgument."""
    if name == AUTO:
        return None
    if name not in KINDS:
        raise InvalidArgument(
            f"server kind {name!r} is not known; expected {AUTO} or one of {', '.join(KINDS)}"
        )
    return KINDS[name]


def recognised(listing: list[dict[str, Json]], host: str) -> ServerKind | None:
    """The kind of server that sent this list of models; None when that tells nothing."""
    if host == "api.openai.com":
        return KINDS["openai"]
    for model in listing:
        kind = _BY_OWNER.get(str(model.get("owned_by", "")).lower())
        if kind is not None:
            return KINDS[kind]
    return None


def context_tokens(model: dict[str, Json]) -> int:
    """What a listed model says of its context, under the names that servers use for it; 0 if nothing."""
    for field in ("max_model_len", "context_length", "context_window"):
        value = model.get(field)
        if isinstance(value, int) and value > 0:
            return value
    return 0


def model_info(
    model: dict[str, Json], kind: ServerKind, features: frozenset[Feature] | None, slots: int, slots_max: int
) -> ModelInfo:
    """One entry of a server's list of models. `slots`, `slots_max`: what the settings say, 0 for nothing."""
    identity = str(model["id"]).removeprefix("models/")  # as Google's OpenAI door writes them
    can = Capabilities(
        features=features or kind.features,
        context_tokens=context_tokens(model),
        slots=slots or slots_max or kind.slots,
        hidden=not slots and (bool(slots_max) or kind.hidden),
        queues=kind.queues,
    )
    return ModelInfo(id=identity, display_name=identity, capabilities=can)
