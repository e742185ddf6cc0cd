"""Completions (the older endpoint) as chat: the prompt is the one user message, and back.

A chat model is asked in its chat form; there is no raw continuation here, and what cannot be said in chat is refused.
"""

from collections.abc import Mapping

from backburner.core.exchange import Answer, Call, CallKind, Feature, Json
from backburner.dialects.openai.answers import (
    choices_of,
    created_of,
    made_id,
    message_of,
    objects,
    usage_object,
)
from backburner.dialects.openai.chat import refusal_of
from backburner.dialects.openai.checks import (
    Check,
    flag,
    members,
    required,
    text_or_strings,
    whole,
)
from backburner.dialects.openai.parameters import (
    ASIDE,
    CANDIDATES,
    SAMPLING,
    check_names,
    own,
    sampling_needs,
    without_ours,
)
from backburner.dialects.protocol import Refusal, Setting, Stamp
from backburner.dialects.report import Place, Report, shown

DEFAULT_TOKENS = 16  # what this endpoint has always meant by no max_tokens
_ONE_EACH = "Write one request for each prompt"


def prompt_of(value: Json) -> str | None:
    """The one prompt; None where there is not exactly one text."""
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    return value if isinstance(value, str) else None


def _prompt(value: Json, place: Place, report: Report) -> None:
    if prompt_of(value) is None:
        tokens = isinstance(value, list) and value and isinstance(value[0], int | list)
        instead = "Send text, not tokens" if tokens else _ONE_EACH
        report.wrong(place, f"expected one prompt as a string, found {shown(value)}", instead)


def _unset(name: str, *free: Json) -> Check:
    def check(value: Json, place: Place, report: Report) -> None:
        if value not in free:
            report.wrong(place, f"{name} is not done here, found {shown(value)}", "Leave it out")

    return check


PARAMETERS: Mapping[str, Check] = {
    **ASIDE,
    **SAMPLING,
    "prompt": _prompt,
    "max_tokens": whole(1),
    "n": CANDIDATES,
    "stop": text_or_strings,
    "logprobs": whole(0, 5),
    "best_of": _unset("best_of", 1),
    "echo": flag,
    "suffix": _unset("suffix", ""),
}


def check_completion(body: dict[str, Json], report: Report) -> None:
    required(body, "model", None, report)
    required(body, "prompt", None, report)
    members(body, None, report, PARAMETERS)
    check_names(body, PARAMETERS, report)


def completion_call(body: dict[str, Json], setting: Setting) -> Call | Refusal:
    report = Report()
    check_completion(body, report)
    if refusal := refusal_of(report):
        return refusal
    sent = without_ours(body)
    needs = {Feature.CHAT} | sampling_needs(sent)
    prompt = prompt_of(sent.pop("prompt"))
    most, top = sent.pop("max_tokens", DEFAULT_TOKENS), sent.pop("logprobs", None)
    for name in ("best_of", "echo", "suffix"):
        sent.pop(name, None)
    sent["messages"] = [{"role": "user", "content": prompt}]
    sent["max_completion_tokens"] = most
    if top is not None:
        sent["logprobs"] = True
        needs.add(Feature.LOGPROBS)
    if top:
        sent["top_logprobs"] = top
        needs.add(Feature.TOP_LOGPROBS)
    if own(body, PARAMETERS):
        needs.add(Feature.OWN)
    return Call(kind=CallKind.CHAT, model=setting.model, body=sent, needs=frozenset(needs))


def completion_body(answer: Answer, asked: dict[str, Json], stamp: Stamp) -> dict[str, Json] | None:
    """The text_completion object; None when the engine sent no choice at all."""
    choices = choices_of(answer)
    if not choices:
        return None
    before = (prompt_of(asked.get("prompt")) or "") if asked.get("echo") else ""
    return {
        "id": made_id("cmpl", stamp),
        "object": "text_completion",
        "created": created_of(answer, stamp),
        "model": answer.model,
        "choices": [_choice(choice, at, before) for at, choice in enumerate(choices)],
        "usage": usage_object(answer),
    }


def _choice(choice: dict[str, Json], at: int, before: str) -> dict[str, Json]:
    content = message_of(choice).get("content")
    return {
        "index": choice.get("index", at),
        "text": before + (content if isinstance(content, str) else ""),
        "logprobs": old_logprobs(choice.get("logprobs"), len(before)),
        "finish_reason": choice.get("finish_reason"),
    }


def old_logprobs(logprobs: Json, offset: int = 0) -> dict[str, Json] | None:
    """Chat's log probabilities in the form that this endpoint has."""
    if not isinstance(logprobs, dict) or not isinstance(logprobs.get("content"), list):
        return None
    rows = objects(logprobs["content"])
    tokens = [str(row.get("token", "")) for row in rows]
    offsets: list[int] = []
    for token in tokens:
        offsets.append(offset)
        offset += len(token)
    return {
        "tokens": tokens,
        "token_logprobs": [row.get("logprob") for row in rows],
        "top_logprobs": [
            {str(top.get("token", "")): top.get("logprob") for top in objects(row.get("top_logprobs"))}
            or None
            for row in rows
        ],
        "text_offset": offsets,
    }
