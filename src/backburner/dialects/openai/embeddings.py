"""Embeddings: the inputs as a list of texts, and the vectors as numbers or as base64."""

import array
import base64
import sys
from collections.abc import Mapping

from backburner.core.exchange import Answer, Call, CallKind, Feature, Json
from backburner.dialects.openai.chat import refusal_of
from backburner.dialects.openai.checks import Check, members, one_of, required, text, whole
from backburner.dialects.openai.parameters import TIERS, check_names, own, without_ours
from backburner.dialects.protocol import Refusal, Setting
from backburner.dialects.report import Place, Report, shown

MOST_INPUTS = 2048


def inputs_of(value: Json) -> list[str] | None:
    """The texts; None where they are not texts."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, list) and value and all(isinstance(item, str) for item in value):
        return value
    return None


def _input(value: Json, place: Place, report: Report) -> None:
    found = inputs_of(value)
    if found is None:
        tokens = isinstance(value, list) and value and isinstance(value[0], int | list)
        instead = "Send text: the embedding model here has tokens of its own" if tokens else ""
        report.wrong(place, f"expected a string or a list of strings, found {shown(value)}", instead)
    elif len(found) > MOST_INPUTS:
        report.wrong(place, f"expected at most {MOST_INPUTS} inputs, found {len(found)}")


PARAMETERS: Mapping[str, Check] = {
    "model": text,
    "input": _input,
    "encoding_format": one_of("float", "base64"),
    "dimensions": whole(1),
    "user": text,
    "service_tier": one_of(*TIERS),
}


def check_embedding(body: dict[str, Json], report: Report) -> None:
    required(body, "model", None, report)
    required(body, "input", None, report)
    members(body, None, report, PARAMETERS)
    check_names(body, PARAMETERS, report)


def embedding_call(body: dict[str, Json], setting: Setting) -> Call | Refusal:
    report = Report()
    check_embedding(body, report)
    if refusal := refusal_of(report):
        return refusal
    sent = without_ours(body)
    sent["input"] = inputs_of(sent["input"])
    sent.pop("encoding_format", None)  # ours to do, so that every engine can
    needs = {Feature.EMBED}
    if "dimensions" in sent:
        needs.add(Feature.DIMENSIONS)
    if own(body, PARAMETERS):
        needs.add(Feature.OWN)
    return Call(kind=CallKind.EMBED, model=setting.model, body=sent, needs=frozenset(needs))


def embedding_body(answer: Answer, asked: dict[str, Json]) -> dict[str, Json] | None:
    """The list of embeddings; None when one is missing."""
    rows = answer.body.get("data")
    wanted = inputs_of(asked.get("input")) or [""]
    if not isinstance(rows, list) or len(rows) != len(wanted):
        return None
    packed = asked.get("encoding_format") == "base64"
    data: list[Json] = []
    for at, row in enumerate(rows):
        vector = row.get("embedding") if isinstance(row, dict) else None
        if not isinstance(vector, list):
            return None
        data.append({"object": "embedding", "index": at, "embedding": _base64(vector) if packed else vector})
    prompt = answer.usage.prompt
    usage = {"prompt_tokens": prompt, "total_tokens": prompt}
    return {"object": "list", "data": data, "model": answer.model, "usage": usage}


def _base64(vector: list[float]) -> str:
    """32-bit floats, little-endian, as OpenAI's SDKs unpack them."""
    floats = array.array("f", vector)
    if sys.byteorder == "big":
        floats.byteswap()
    return base64.b64encode(floats.tobytes()).decode()
