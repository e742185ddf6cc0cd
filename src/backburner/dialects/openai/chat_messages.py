"""Messages of a chat: roles, content parts, and the files of ours that they name."""

from collections.abc import Iterator, Mapping

from backburner.core.exchange import Feature, Json, MediaRef
from backburner.core.names import file_id_of
from backburner.dialects.openai.checks import Check, anything, members, required, text
from backburner.dialects.report import Place, Report, shown

ROLES = ("system", "developer", "user", "assistant", "tool")
_PDF = "application/pdf"


def check_messages(value: Json, place: Place, report: Report) -> None:
    if not isinstance(value, list) or not value:
        instead = 'Write [{"role": "user", "content": "..."}]'
        report.wrong(place, f"expected a list of messages, found {shown(value)}", instead)
        return
    for at, message in enumerate(value):
        _check_message(message, (place, at), report)


def _check_message(message: Json, place: Place, report: Report) -> None:
    if not isinstance(message, dict):
        report.wrong(place, f"expected a message, found {shown(message)}")
        return
    role = message.get("role")
    if role not in ROLES:
        instead = "Write assistant" if role == "model" else ""
        report.wrong((place, "role"), f"expected one of {', '.join(ROLES)}, found {shown(role)}", instead)
    if role == "tool":
        required(message, "tool_call_id", place, report)
    content, calls = message.get("content"), message.get("tool_calls")
    if calls is not None:
        _check_calls(calls, (place, "tool_calls"), report)
    if content is not None:
        _check_content(content, (place, "content"), report)
    elif role in ROLES and not (role == "assistant" and (calls or message.get("refusal"))):
        instead = (
            'Google\'s parts are content here: {"role": "user", "content": "..."}'
            if "parts" in message
            else ""
        )
        report.wrong((place, "content"), "expected a string or a list of parts, found none", instead)


def _check_calls(calls: Json, place: Place, report: Report) -> None:
    if not isinstance(calls, list):
        report.wrong(place, f"expected a list of calls, found {shown(calls)}")
        return
    for at, call in enumerate(calls):
        here = (place, at)
        function = call.get("function") if isinstance(call, dict) else None
        if not isinstance(function, dict):
            report.wrong(here, f"expected a call of a function, found {shown(call)}")
            continue
        members(function, (here, "function"), report, {"name": text, "arguments": text})
        required(function, "name", (here, "function"), report)


def _check_content(content: Json, place: Place, report: Report) -> None:
    if isinstance(content, str):
        return
    if not isinstance(content, list):
        report.wrong(place, f"expected a string or a list of parts, found {shown(content)}")
        return
    for at, part in enumerate(content):
        _check_part(part, (place, at), report)


def _check_part(part: Json, place: Place, report: Report) -> None:
    kind = part.get("type") if isinstance(part, dict) else None
    if not isinstance(part, dict) or not isinstance(kind, str) or kind not in _PARTS:
        known = ", ".join(_PARTS)
        report.wrong(place, f"expected a part of type {known}, found {shown(kind if kind else part)}")
        return
    value = part.get(kind)
    if value is None:
        report.wrong((place, kind), "is required and is missing", "", "missing_required_parameter")
        return
    _PARTS[kind](value, (place, kind), report)


def _url(value: Json, place: Place, report: Report) -> None:
    members(value, place, report, {"url": text, "detail": text})
    if isinstance(value, dict):
        required(value, "url", place, report)


def _audio(value: Json, place: Place, report: Report) -> None:
    members(value, place, report, {"data": text, "format": text})
    if isinstance(value, dict):
        required(value, "data", place, report)
        required(value, "format", place, report)


def _file(value: Json, place: Place, report: Report) -> None:
    members(value, place, report, {"file_data": text, "file_id": text, "filename": text})
    if isinstance(value, dict) and not (value.get("file_data") or value.get("file_id")):
        report.wrong(place, "expected file_data or file_id, found neither")


_PARTS: Mapping[str, Check] = {
    "text": text,
    "image_url": _url,
    "input_audio": _audio,
    "file": _file,
    "video_url": _url,
    "refusal": anything,
}
_NEEDS = {
    "image_url": Feature.IMAGES,
    "input_audio": Feature.AUDIO,
    "file": Feature.DOCUMENTS,
    "video_url": Feature.VIDEO,
}


def _parts(messages: list[dict[str, Json]]) -> Iterator[dict[str, Json]]:
    for message in messages:
        content = message.get("content")
        if isinstance(content, list):
            yield from (part for part in content if isinstance(part, dict))


def messages_need(messages: list[dict[str, Json]]) -> set[Feature]:
    return {_NEEDS[part["type"]] for part in _parts(messages) if part["type"] in _NEEDS}


def named_files(messages: Json) -> tuple[str, ...]:
    """Ids of our files that messages name; of messages that may be wrong."""
    if not isinstance(messages, list):
        return ()
    well = [message for message in messages if isinstance(message, dict)]
    files = [part.get("file") for part in _parts(well) if part.get("type") == "file"]
    names = [file.get("file_id") for file in files if isinstance(file, dict)]
    found = [plain_file_id(name) for name in names if isinstance(name, str)]
    return tuple(dict.fromkeys(name for name in found if name))


def plain_file_id(name: str) -> str | None:
    """The id in `file-x`, `files/x` or any URI of ours."""
    return name.removeprefix("file-") if name.startswith("file-") else file_id_of(name)


def messages_called(messages: list[dict[str, Json]], media: list[MediaRef]) -> list[dict[str, Json]]:
    """The messages with a placeholder for each file of ours, to be filled just before the call."""
    if not named_files(messages):
        return messages
    return [
        {**message, "content": [_part_called(part, media) for part in message["content"]]}
        if isinstance(message.get("content"), list)
        else message
        for message in messages
    ]


def _part_called(part: dict[str, Json], media: list[MediaRef]) -> dict[str, Json]:
    file = part.get("file")
    name = file.get("file_id") if isinstance(file, dict) else None
    found = plain_file_id(name) if name else None
    if not isinstance(file, dict) or found is None:
        return part
    placeholder = f"backburner-media:{len(media)}:files/{found}"
    media.append(MediaRef(found, _PDF, placeholder))
    return {**part, "file": {"filename": file.get("filename") or f"{found}.pdf", "file_data": placeholder}}
