"""Chat completions: what a body may hold, what it needs of an engine, and the call, which is the body itself."""

from collections.abc import Mapping

from backburner.core.errors import Code
from backburner.core.exchange import Call, CallKind, Feature, Json, MediaRef
from backburner.dialects.openai.chat_messages import check_messages, messages_called, messages_need
from backburner.dialects.openai.checks import (
    Check,
    anything,
    flag,
    members,
    obj,
    one_of,
    refused,
    required,
    text,
    text_or_strings,
    whole,
)
from backburner.dialects.openai.parameters import (
    ASIDE,
    CANDIDATES,
    EFFORTS,
    SAMPLING,
    check_names,
    effort_needs,
    own,
    sampling_needs,
    without_ours,
)
from backburner.dialects.protocol import Refusal, Setting
from backburner.dialects.report import Place, Report, shown

_AS_TOOLS = 'Write the functions as tools: [{"type": "function", "function": {...}}]'
_FORMATS = ("text", "json_object", "json_schema")


def _modalities(value: Json, place: Place, report: Report) -> None:
    if value != ["text"]:
        report.wrong(place, f"answers are text here, found {shown(value)}", 'Leave it out, or write ["text"]')


def _tools(value: Json, place: Place, report: Report) -> None:
    if not isinstance(value, list):
        report.wrong(place, f"expected a list of tools, found {shown(value)}")
        return
    for at, tool in enumerate(value):
        here = (place, at)
        function = tool.get("function") if isinstance(tool, dict) else None
        if not isinstance(tool, dict) or tool.get("type") != "function" or not isinstance(function, dict):
            instead = 'Write {"type": "function", "function": {"name": ..., "parameters": {...}}}'
            report.wrong(here, f"expected a function, found {shown(tool)}", instead)
            continue
        members(function, (here, "function"), report, _FUNCTION)
        required(function, "name", (here, "function"), report)


def _tool_choice(value: Json, place: Place, report: Report) -> None:
    if not isinstance(value, dict) and value not in ("none", "auto", "required"):
        report.wrong(place, f"expected none, auto, required or a function, found {shown(value)}")


def _response_format(value: Json, place: Place, report: Report) -> None:
    if not isinstance(value, dict):
        report.wrong(place, f"expected an object, found {shown(value)}", 'Write {"type": "json_object"}')
        return
    if value.get("type") == "json_schema":
        inner = (place, "json_schema")
        schema = value.get("json_schema")
        members(schema, inner, report, _SCHEMA)
        if isinstance(schema, dict):
            required(schema, "schema", inner, report)
    elif not isinstance(value.get("type"), str):
        report.wrong(
            (place, "type"), f"expected one of {', '.join(_FORMATS)}, found {shown(value.get('type'))}"
        )


_FUNCTION: Mapping[str, Check] = {"name": text, "description": text, "parameters": obj, "strict": flag}
_SCHEMA: Mapping[str, Check] = {"name": text, "description": text, "schema": obj, "strict": flag}
_THINKING: Mapping[str, Check] = {
    "thinking_budget": whole(-1),
    "thinking_level": text,
    "include_thoughts": flag,
}


def _extra_body(value: Json, place: Place, report: Report) -> None:
    """Google's extensions, as its OpenAI layer takes them (contract 5.1)."""
    google = value.get("google") if isinstance(value, dict) else None
    if not isinstance(google, dict):
        report.wrong(place, f"expected an object with google in it, found {shown(value)}")
        return
    inner = (place, "google")
    if google.get("cached_content") is not None:
        instead = "Write the shared part into the messages: prefixes are cached by themselves"
        report.wrong((inner, "cached_content"), "cached content is taken on the Gemini paths only", instead)
    if google.get("thinking_config") is not None:
        members(google["thinking_config"], (inner, "thinking_config"), report, _THINKING)


PARAMETERS: Mapping[str, Check] = {
    **ASIDE,
    **SAMPLING,
    "messages": check_messages,
    "n": CANDIDATES,
    "max_tokens": whole(1),
    "max_completion_tokens": whole(1),
    "stop": text_or_strings,
    "logprobs": flag,
    "top_logprobs": whole(0, 20),
    "response_format": _response_format,
    "tools": _tools,
    "tool_choice": _tool_choice,
    "parallel_tool_calls": flag,
    "reasoning_effort": one_of(*EFFORTS),
    "verbosity": one_of("low", "medium", "high"),
    "modalities": _modalities,
    "audio": refused("answers are text here, there is no audio output", "Leave it out"),
    "prediction": anything,  # makes an engine faster, not other
    "web_search_options": obj,
    "functions": refused("functions gave way to tools", _AS_TOOLS),
    "function_call": refused("function_call gave way to tool_choice", _AS_TOOLS),
    "extra_body": _extra_body,
}


def check_chat(body: dict[str, Json], report: Report) -> None:
    required(body, "model", None, report)
    required(body, "messages", None, report)
    members(body, None, report, PARAMETERS)
    check_names(body, PARAMETERS, report)


def chat_needs(body: dict[str, Json]) -> set[Feature]:
    """Of a good body."""
    needs = {Feature.CHAT} | sampling_needs(body) | messages_need(body["messages"])
    needs |= effort_needs(body.get("reasoning_effort"))
    if body.get("logprobs"):
        needs.add(Feature.LOGPROBS)
    if body.get("top_logprobs"):
        needs.add(Feature.TOP_LOGPROBS)
    if body.get("tools"):
        needs.add(Feature.TOOLS)
    if body.get("web_search_options") is not None:
        needs.add(Feature.WEB_SEARCH)
    wanted = (body.get("response_format") or {}).get("type", "text")
    if wanted == "json_schema":
        needs.add(Feature.JSON_SCHEMA)
    elif wanted == "json_object":
        needs.add(Feature.JSON_OBJECT)
    elif wanted != "text":
        needs.add(Feature.OWN)
    if own(body, PARAMETERS):
        needs.add(Feature.OWN)
    return needs


def chat_call(body: dict[str, Json], setting: Setting) -> Call | Refusal:
    """The call for a body, checked here: a wrong one is refused with everything that is wrong in it."""
    report = Report()
    check_chat(body, report)
    return refusal_of(report) or call_of(body, setting)


def call_of(body: dict[str, Json], setting: Setting) -> Call:
    """The call for a good body."""
    effort = _google_effort(body)
    sent = without_ours(body)
    if effort and "reasoning_effort" not in sent:
        sent["reasoning_effort"] = effort
    media: list[MediaRef] = []
    sent["messages"] = messages_called(sent["messages"], media)
    return Call(
        kind=CallKind.CHAT,
        model=setting.model,
        body=sent,
        needs=frozenset(chat_needs(sent)),
        media=tuple(media),
    )


def refusal_of(report: Report) -> Refusal | None:
    if report.clean:
        return None
    return Refusal(Code.INVALID_ARGUMENT, "; ".join(found.sentence() for found in report.violations()))


def _google_effort(body: dict[str, Json]) -> str:
    """reasoning_effort for extra_body.google.thinking_config, by the brackets of contract 5.1."""
    google = (body.get("extra_body") or {}).get("google") or {}
    thinking = google.get("thinking_config") or {}
    level, budget = thinking.get("thinking_level"), thinking.get("thinking_budget")
    if isinstance(level, str):
        return level.lower()
    if not budget or budget < 0:
        return "none" if budget == 0 else ""
    return "low" if budget <= 1024 else "medium" if budget <= 8192 else "high"
