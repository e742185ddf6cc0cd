"""What a request must be beyond the shape of its members: what members say to each other.

The rules are those that the real service documents or enforces: who may speak, which tool results belong to which
calls, what a batch takes.
"""

import binascii

from backburner.core.exchange import Json
from backburner.dialects.anthropic.schema import HINTS, MEMBERS, PARAMS
from backburner.dialects.anthropic.turns import Turn, turns
from backburner.dialects.report import Place, Report, quoted

_LIMITED = ("thinking", "max_tokens", "stop_sequences", "output_config", "output_format")


def checked(params: Json, report: Report, *, needs_maximum: bool = True) -> None:
    """Everything about one request. Counting its tokens needs no maximum."""
    PARAMS(params, None, report)
    if not isinstance(params, dict):
        return
    required = ("model", "messages", "max_tokens") if needs_maximum else ("model", "messages")
    for name in required:
        if name not in params:
            report.wrong((None, name), "is missing", HINTS[name])
    if "messages" in params and _sound(params, "messages", report):
        _conversation(params["messages"], report)
    if _sound(params, "tools", report) and _sound(params, "tool_choice", report):
        _tools(params, report)
    if all(_sound(params, name, report) for name in _LIMITED):
        _limits(params, report)


def _sound(params: dict[str, Json], name: str, report: Report) -> bool:
    """Whether a member is there as it should be, or not at all, so that the rules can read it."""
    if report.clean or name not in params:
        return True
    alone = Report()
    MEMBERS[name](params[name], None, alone)
    return alone.clean


def batch_rules(params: dict[str, Json], model: str, report: Report) -> None:
    """What holds in a batch alone. `model` is the batch's."""
    if params.get("stream"):
        report.wrong((None, "stream"), "a batch answers with whole messages", "Leave stream out")
    named = params.get("model")
    if isinstance(named, str) and named and named != model:
        report.wrong(
            (None, "model"),
            f"is {quoted(named)}, and the first request of the batch names {quoted(model)}; "
            "a batch on this server has one model",
            "Make one batch for each model",
        )


def _conversation(messages: list[Json], report: Report) -> None:
    last = len(messages) - 1
    for at, message in enumerate(messages):
        if not message["content"] and not (at == last and message["role"] == "assistant"):
            words = "is empty; only a last assistant message may be"
            report.wrong((((None, "messages"), at), "content"), words)
    waiting: list[str] = []  # ids of tool calls that the turn before made
    talk = turns(messages)
    for turn in talk:
        for place, block in turn.blocks:
            _data(block, place, report)
            if block["type"] in ("thinking", "redacted_thinking"):
                report.warn("thinking blocks of earlier turns are accepted and not shown to the model")
        if turn.role != "system":
            _results(turn, waiting, report)
            waiting = [block["id"] for _, block in turn.blocks if block["type"] == "tool_use"]
    if waiting:
        words = f"calls a tool (id {quoted(waiting[0])}), and no message with its result follows"
        report.wrong(
            ((None, "messages"), talk[-1].at), words, 'Add a user message with a "tool_result" block'
        )


def _results(turn: Turn, waiting: list[str], report: Report) -> None:
    """Every result answers a call of the turn before, and every call has its result."""
    left = list(waiting)
    for place, block in turn.blocks:
        if block["type"] != "tool_result":
            continue
        name = block["tool_use_id"]
        if name in left:
            left.remove(name)
        else:
            words = f"{quoted(name)} is no tool_use of the message before, or it was answered already"
            instead = "A tool_result stands in the message right behind its tool_use"
            report.wrong((place, "tool_use_id"), words, instead)
    if left:
        words = f"has no tool_result for the tool_use {quoted(left[0])} of the message before"
        report.wrong(((None, "messages"), turn.at), words, "Add a tool_result block for each tool_use")


def _data(block: Json, place: Place, report: Report) -> None:
    """Base64 that is none would only be found by the engine, which cannot say where it stands."""
    inner = block.get("content")
    for number, part in enumerate(inner if isinstance(inner, list) else ()):
        _data(part, ((place, "content"), number), report)
    source = block.get("source")
    if isinstance(source, dict) and source.get("type") == "base64":
        try:
            binascii.a2b_base64(source["data"], strict_mode=True)
        except (binascii.Error, ValueError) as error:
            report.wrong(((place, "source"), "data"), f"is no valid base64: {error}")


def _tools(params: dict[str, Json], report: Report) -> None:
    tools: list[Json] = params.get("tools") or []
    names: list[str] = [tool["name"] for tool in tools if isinstance(tool.get("name"), str)]
    for at, name in enumerate(names):
        if name in names[:at]:
            report.wrong((((None, "tools"), at), "name"), f"{quoted(name)} names an earlier tool too")
    wanted = params.get("tool_choice")
    if wanted is None:
        return
    if not tools:
        report.wrong(
            (None, "tool_choice"), "there are no tools to choose from", "Leave it out, or give tools"
        )
    elif wanted["type"] == "tool" and wanted["name"] not in names:
        known = ", ".join(names[:10])
        words = f"{quoted(wanted['name'])} is none of the tools given ({known})"
        report.wrong(((None, "tool_choice"), "name"), words)


def _limits(params: dict[str, Json], report: Report) -> None:
    budget = params.get("thinking", {}).get("budget_tokens", 0)
    most = params.get("max_tokens", budget + 1)
    if budget >= most:
        words = f"expected fewer than max_tokens ({most}), found {budget}"
        report.wrong(((None, "thinking"), "budget_tokens"), words, "Raise max_tokens; it counts thinking too")
    for at, stop in enumerate(params.get("stop_sequences") or ()):
        if stop.isspace():
            report.wrong(((None, "stop_sequences"), at), "expected more than white space")
    if params.get("output_format") and params.get("output_config", {}).get("format"):
        report.wrong(
            (None, "output_format"), "output_config.format is given too", "Keep output_config.format"
        )
