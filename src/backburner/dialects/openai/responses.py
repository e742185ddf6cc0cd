"""Responses as chat: what a body may hold, and the call it becomes.

Nothing is kept between calls: what refers to an earlier response is refused, the items themselves are taken.
"""

from collections.abc import Mapping

from backburner.core.exchange import Call, CallKind, Feature, Json
from backburner.dialects.openai.chat import refusal_of
from backburner.dialects.openai.chat_messages import messages_need
from backburner.dialects.openai.checks import (
    Check,
    anything,
    flag,
    members,
    obj,
    one_of,
    refused,
    required,
    strings,
    text,
    whole,
)
from backburner.dialects.openai.parameters import (
    ASIDE,
    EFFORTS,
    SAMPLING,
    check_names,
    effort_needs,
    own,
    sampling_needs,
)
from backburner.dialects.openai.response_items import check_input, messages_of
from backburner.dialects.protocol import Refusal, Setting
from backburner.dialects.report import Place, Report, shown

_LOGPROBS = "message.output_text.logprobs"
_SEARCH = ("web_search", "web_search_preview", "web_search_2025_08_26", "web_search_preview_2025_03_11")
_STATELESS = "Send the earlier items in input"
_FUNCTION: Mapping[str, Check] = {"name": text, "description": text, "parameters": obj, "strict": flag}
_FORMAT: Mapping[str, Check] = {
    "type": one_of("text", "json_object", "json_schema"),
    "name": text,
    "description": text,
    "schema": obj,
    "strict": flag,
}


def _tools(value: Json, place: Place, report: Report) -> None:
    if not isinstance(value, list):
        report.wrong(place, f"expected a list of tools, found {shown(value)}")
        return
    for at, tool in enumerate(value):
        here = (place, at)
        kind = tool.get("type") if isinstance(tool, dict) else None
        if kind == "function":
            members(tool, here, report, _FUNCTION)
            required(tool, "name", here, report)
        elif kind not in _SEARCH:
            instead = 'Write {"type": "function", "name": ..., "parameters": {...}}'
            report.wrong(here, f"expected a function, found {shown(kind if kind else tool)}", instead)


def _tool_choice(value: Json, place: Place, report: Report) -> None:
    if isinstance(value, dict):
        if value.get("type") not in ("function", "allowed_tools"):
            report.wrong(place, f"expected a function or allowed_tools, found {shown(value.get('type'))}")
    elif value not in ("none", "auto", "required"):
        report.wrong(place, f"expected none, auto, required or a function, found {shown(value)}")


def _text(value: Json, place: Place, report: Report) -> None:
    table: Mapping[str, Check] = {"format": _format, "verbosity": one_of("low", "medium", "high")}
    members(value, place, report, table)


def _format(value: Json, place: Place, report: Report) -> None:
    members(value, place, report, _FORMAT)
    if isinstance(value, dict) and value.get("type") == "json_schema":
        required(value, "schema", place, report)


def _reasoning(value: Json, place: Place, report: Report) -> None:
    members(value, place, report, {"effort": one_of(*EFFORTS)})


def _off(reason: str, instead: str) -> Check:
    def check(value: Json, place: Place, report: Report) -> None:
        if value is not False:
            report.wrong(place, reason, instead)

    return check


PARAMETERS: Mapping[str, Check] = {
    **ASIDE,
    **SAMPLING,
    "input": check_input,
    "instructions": text,
    "max_output_tokens": whole(1),
    "max_tool_calls": anything,
    "text": _text,
    "tools": _tools,
    "tool_choice": _tool_choice,
    "parallel_tool_calls": flag,
    "reasoning": _reasoning,
    "include": strings,
    "top_logprobs": whole(0, 20),
    "truncation": one_of("auto", "disabled"),
    "context_management": anything,
    "background": _off(
        "responses are not kept here, so none can be fetched later", "Send a batch, or leave background out"
    ),
    "previous_response_id": refused("responses are not kept here", _STATELESS),
    "conversation": refused("conversations are not kept here", _STATELESS),
    "prompt": refused("there are no stored prompts here", "Send the text in instructions and input"),
}


def check_response(body: dict[str, Json], report: Report) -> None:
    required(body, "model", None, report)
    required(body, "input", None, report)
    members(body, None, report, PARAMETERS)
    check_names(body, PARAMETERS, report)


def response_call(body: dict[str, Json], setting: Setting) -> Call | Refusal:
    report = Report()
    check_response(body, report)
    if refusal := refusal_of(report):
        return refusal
    messages = messages_of(body.get("instructions"), body["input"])
    needs = {Feature.CHAT} | sampling_needs(body) | messages_need(messages)
    extra = own(body, PARAMETERS)
    sent: dict[str, Json] = {"messages": messages, **{name: body[name] for name in extra}}
    if extra:
        needs.add(Feature.OWN)
    for name in (*SAMPLING, "parallel_tool_calls", "user", "safety_identifier", "prompt_cache_key"):
        if body.get(name) is not None:
            sent[name] = body[name]
    if body.get("max_output_tokens") is not None:
        sent["max_completion_tokens"] = body["max_output_tokens"]
    _put_effort(body, sent, needs)
    _put_format(body, sent, needs)
    _put_tools(body, sent, needs)
    _put_logprobs(body, sent, needs)
    return Call(kind=CallKind.CHAT, model=setting.model, body=sent, needs=frozenset(needs))


def _put_effort(body: dict[str, Json], sent: dict[str, Json], needs: set[Feature]) -> None:
    effort = (body.get("reasoning") or {}).get("effort")
    if effort:
        sent["reasoning_effort"] = effort
        needs |= effort_needs(effort)


def _put_format(body: dict[str, Json], sent: dict[str, Json], needs: set[Feature]) -> None:
    wanted = body.get("text") or {}
    if wanted.get("verbosity"):
        sent["verbosity"] = wanted["verbosity"]
    form = wanted.get("format") or {}
    if form.get("type") == "json_schema":
        schema = {name: form[name] for name in ("name", "description", "schema", "strict") if name in form}
        sent["response_format"] = {"type": "json_schema", "json_schema": {"name": "answer", **schema}}
        needs.add(Feature.JSON_SCHEMA)
    elif form.get("type") == "json_object":
        sent["response_format"] = {"type": "json_object"}
        needs.add(Feature.JSON_OBJECT)


def _put_tools(body: dict[str, Json], sent: dict[str, Json], needs: set[Feature]) -> None:
    tools = body.get("tools") or []
    functions = [tool for tool in tools if tool["type"] == "function"]
    if len(functions) < len(tools):
        sent["web_search_options"] = {}
        needs.add(Feature.WEB_SEARCH)
    if not functions:
        return
    needs.add(Feature.TOOLS)
    sent["tools"] = [
        {
            "type": "function",
            "function": {name: tool[name] for name in _FUNCTION if tool.get(name) is not None},
        }
        for tool in functions
    ]
    choice = body.get("tool_choice")
    if isinstance(choice, dict):
        choice = _chosen(choice)
    if choice is not None:
        sent["tool_choice"] = choice


def _chosen(choice: dict[str, Json]) -> dict[str, Json]:
    if choice["type"] == "function":
        return {"type": "function", "function": {"name": choice.get("name")}}
    allowed = [
        {"type": "function", "function": {"name": tool.get("name")}} for tool in choice.get("tools") or ()
    ]
    mode = choice.get("mode", "auto")
    return {"type": "allowed_tools", "allowed_tools": {"mode": mode, "tools": allowed}}


def _put_logprobs(body: dict[str, Json], sent: dict[str, Json], needs: set[Feature]) -> None:
    if _LOGPROBS in (body.get("include") or ()) or body.get("top_logprobs"):
        sent["logprobs"] = True
        needs.add(Feature.LOGPROBS)
    if body.get("top_logprobs"):
        sent["top_logprobs"] = body["top_logprobs"]
        needs.add(Feature.TOP_LOGPROBS)
