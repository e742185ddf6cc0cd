"""The parameters that chat completions, completions and responses share, and those that no body may have.

A parameter that OpenAI does not know may still be one that the engine knows (`min_p`, `guided_json`): it is passed
on, and needs an engine that takes such. One that is nearly the name of a known one is a typing mistake.
"""

import difflib
from collections.abc import Iterable, Mapping

from backburner.core.exchange import Feature, Json
from backburner.dialects.openai.checks import (
    Check,
    flag,
    integer,
    number,
    obj,
    one_of,
    text,
    whole,
)
from backburner.dialects.report import Report, quoted

TIERS = ("auto", "default", "flex", "priority", "scale")
EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
_FREE_EFFORTS = ("none", "minimal")  # ask for nothing that a plain model lacks

SAMPLING: Mapping[str, Check] = {
    "temperature": number(0, 2),
    "top_p": number(0, 1),
    "frequency_penalty": number(-2, 2),
    "presence_penalty": number(-2, 2),
    "seed": integer,
    "top_k": integer,
    "logit_bias": obj,
}
# Said for the record, or about how and where to run; none changes the answer.
ASIDE: Mapping[str, Check] = {
    "model": text,
    "user": text,
    "safety_identifier": text,
    "prompt_cache_key": text,
    "prompt_cache_retention": text,
    "metadata": obj,
    "store": flag,
    "service_tier": one_of(*TIERS),
    "stream": flag,
    "stream_options": obj,
}
CANDIDATES = whole(1, 128)
# Not for the engine: what it serves, how its answer travels, whose turn it is.
OURS = frozenset(("model", "stream", "stream_options", "service_tier", "extra_body"))


def sampling_needs(body: Mapping[str, Json]) -> set[Feature]:
    needs: set[Feature] = set()
    if body.get("seed") is not None:
        needs.add(Feature.SEED)
    if (body.get("n") or 1) > 1:
        needs.add(Feature.CANDIDATES)
    if body.get("presence_penalty") or body.get("frequency_penalty"):
        needs.add(Feature.PENALTIES)
    if (body.get("top_k") or 0) > 0:
        needs.add(Feature.TOP_K)
    if body.get("logit_bias"):
        needs.add(Feature.LOGIT_BIAS)
    return needs


def effort_needs(effort: Json) -> set[Feature]:
    return {Feature.THINKING} if effort and effort not in _FREE_EFFORTS else set()


def own(body: Mapping[str, Json], table: Mapping[str, Check]) -> list[str]:
    """Members that OpenAI's API does not have."""
    return [name for name, value in body.items() if name not in table and value is not None]


def check_names(body: Mapping[str, Json], table: Mapping[str, Check], report: Report) -> None:
    """Reports names that look mistyped."""
    for name in own(body, table):
        near = nearest(name, table)
        if near:
            report.wrong((None, name), f"unknown parameter {quoted(name)}", f"Did you mean {near}?")


def nearest(name: str, known: Iterable[str]) -> str:
    found = difflib.get_close_matches(name, known, 1, 0.85)
    return found[0] if found else ""


def repeatable(body: Mapping[str, Json]) -> bool:
    """Whether the same body must have the same answer: greedy, or sampled from a seed."""
    return body.get("temperature") == 0 or body.get("seed") is not None


def without_ours(body: Mapping[str, Json]) -> dict[str, Json]:
    return {name: value for name, value in body.items() if name not in OURS and value is not None}
