"""The input of a response: text or items, as the messages of a chat.

Consecutive calls of functions are one message of the assistant, as chat has it. Thoughts that are sent back are
left out, as chat templates do with those of earlier turns.
"""

from collections.abc import Mapping

from backburner.core.exchange import Json
from backburner.dialects.openai.checks import Check, members, required, text
from backburner.dialects.report import Place, Report, shown

_ROLES = ("user", "assistant", "system", "developer")
_ITEMS = ("message", "function_call", "function_call_output", "reasoning")
_PARTS = ("input_text", "output_text", "text", "refusal", "input_image", "input_file", "input_audio")
_CALL: Mapping[str, Check] = {"name": text, "arguments": text, "call_id": text}


def check_input(value: Json, place: Place, report: Report) -> None:
    if isinstance(value, str):
        return
    if not isinstance(value, list) or not value:
        report.wrong(place, f"expected a string or a list of items, found {shown(value)}")
        return
    for at, item in enumerate(value):
        _check_item(item, (place, at), report)


def _check_item(item: Json, place: Place, report: Report) -> None:
    if not isinstance(item, dict):
        report.wrong(place, f"expected an item, found {shown(item)}")
        return
    kind = item.get("type") or "message"
    if kind == "message":
        if item.get("role") not in _ROLES:
            words = f"expected one of {', '.join(_ROLES)}, found {shown(item.get('role'))}"
            report.wrong((place, "role"), words)
        if required(item, "content", place, report):
            _check_content(item["content"], (place, "content"), report)
    elif kind == "function_call":
        members(item, place, report, _CALL)
        required(item, "name", place, report)
        required(item, "call_id", place, report)
    elif kind == "function_call_output":
        required(item, "call_id", place, report)
        if required(item, "output", place, report):
            _check_content(item["output"], (place, "output"), report)
    elif kind != "reasoning":
        instead = "Responses are not kept here; send the item itself" if kind == "item_reference" else ""
        report.wrong((place, "type"), f"expected one of {', '.join(_ITEMS)}, found {shown(kind)}", instead)


def _check_content(content: Json, place: Place, report: Report) -> None:
    if isinstance(content, str):
        return
    if not isinstance(content, list):
        report.wrong(place, f"expected a string or a list of parts, found {shown(content)}")
        return
    for at, part in enumerate(content):
        here = (place, at)
        kind = part.get("type") if isinstance(part, dict) else None
        if not isinstance(part, dict) or kind not in _PARTS:
            words = f"expected a part of type {', '.join(_PARTS)}, found {shown(kind if kind else part)}"
            report.wrong(here, words)
        elif kind == "input_image":
            if not isinstance(part.get("image_url"), str):
                instead = "Send the image as a data: URL"
                report.wrong((here, "image_url"), "is required here and is missing", instead)
        elif kind == "input_file":
            if not isinstance(part.get("file_data"), str):
                instead = "Send the file as a data: URL"
                report.wrong((here, "file_data"), "is required here and is missing", instead)
        elif kind == "input_audio":
            members(part.get("input_audio"), (here, "input_audio"), report, {"data": text, "format": text})
        else:
            name = "refusal" if kind == "refusal" else "text"
            if required(part, name, here, report):
                text(part[name], (here, name), report)


def messages_of(instructions: Json, value: Json) -> list[dict[str, Json]]:
    """Chat messages of a good input."""
    messages: list[dict[str, Json]] = []
    if instructions:
        messages.append({"role": "system", "content": instructions})
    if isinstance(value, str):
        return [*messages, {"role": "user", "content": value}]
    for item in value:
        _add(item, messages)
    return messages


def _add(item: dict[str, Json], messages: list[dict[str, Json]]) -> None:
    kind = item.get("type") or "message"
    if kind == "function_call":
        function = {"name": item["name"], "arguments": item.get("arguments") or "{}"}
        call = {"id": item["call_id"], "type": "function", "function": function}
        if not messages or messages[-1]["role"] != "assistant":
            messages.append({"role": "assistant", "content": None})
        messages[-1].setdefault("tool_calls", []).append(call)
    elif kind == "function_call_output":
        content = _content(item["output"])
        messages.append({"role": "tool", "tool_call_id": item["call_id"], "content": content})
    elif kind == "message":
        role = "system" if item["role"] == "developer" else item["role"]
        messages.append({"role": role, "content": _content(item["content"])})


def _content(content: Json) -> Json:
    """A string where there is only text: every engine takes that."""
    if isinstance(content, str):
        return content
    parts = [_part(part) for part in content]
    if all(part["type"] == "text" for part in parts):
        return "".join(part["text"] for part in parts)
    return parts


def _part(part: dict[str, Json]) -> dict[str, Json]:
    kind = part["type"]
    if kind == "input_image":
        detail = {"detail": part["detail"]} if part.get("detail") else {}
        return {"type": "image_url", "image_url": {"url": part["image_url"], **detail}}
    if kind == "input_file":
        name = part.get("filename") or "document.pdf"
        return {"type": "file", "file": {"filename": name, "file_data": part["file_data"]}}
    if kind == "input_audio":
        return {"type": "input_audio", "input_audio": part["input_audio"]}
    return {"type": "text", "text": part["refusal" if kind == "refusal" else "text"]}
