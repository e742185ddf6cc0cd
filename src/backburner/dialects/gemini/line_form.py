"""The outer form of an input line: where the request is, and the caller's label around it (contract 1.9).

A line is `{"key", "request"}`, `{"request", "metadata"}`, both, or a bare request. The label is kept as it
was written, because it goes back with the answer; a broken line's key is saved where it can be read.
"""

import json
import re

import msgspec

from backburner.core.exchange import Json
from backburner.core.limits import LINE_BYTES, MIB
from backburner.dialects.lines import check_depth
from backburner.dialects.report import Place, Report, quoted, shown
from backburner.dialects.strict_json import JsonError, decode_strict, explained

_TWICE_BYTES = MIB  # longer lines are not searched for members given twice
_ABSENT = msgspec.Raw(b"")
_FIRST_KEY = re.compile(rb'\s*\{\s*"key"\s*:\s*("[^"\\]*(?:\\.[^"\\]*)*")')
_OUTER = ("key", "request", "metadata")
# Members whose repetition would change what is asked; one pass each, so only these.
_WATCHED = (
    b'"key"',
    b'"request"',
    b'"contents"',
    b'"content"',
    b'"generationConfig"',
    b'"generation_config"',
    b'"systemInstruction"',
    b'"system_instruction"',
)
_OPENAI_WORDS = (
    "This is a line of the OpenAI batch format; send the file to the OpenAI endpoint of this server, or write "
    '{"key": "...", "request": {"contents": [{"parts": [{"text": "..."}]}]}}'
)
_WRAPPED_WORDS = 'Write {"key": "...", "request": {...}}'


class Wrapped(msgspec.Struct, forbid_unknown_fields=True):
    key: msgspec.Raw = _ABSENT
    request: msgspec.Raw = _ABSENT
    metadata: msgspec.Raw = _ABSENT


_wrapped = msgspec.json.Decoder(Wrapped)
_members = msgspec.json.Decoder(dict[str, msgspec.Raw])
_string = msgspec.json.Decoder(str)


class Label:
    """What the caller calls a line, decoded and as written."""

    __slots__ = ("key", "key_raw", "metadata_raw")

    def __init__(self) -> None:
        self.key: str | None = None
        self.key_raw = b""
        self.metadata_raw = b""

    def echo(self, inline: bool) -> bytes:
        """A file's result carries its key even when it came inside metadata: that is where readers look."""
        key_raw = self.key_raw
        if not self.metadata_raw:
            return b'"key":' + key_raw if key_raw else b""
        if not key_raw and not inline and self.key is not None:
            key_raw = msgspec.json.encode(self.key)
        metadata = b'"metadata":' + self.metadata_raw
        return b'"key":' + key_raw + b"," + metadata if key_raw else metadata


def opened(line: bytes, label: Label, report: Report) -> msgspec.Raw | bytes:
    """The bytes of the line's request: the line itself when it is bare, nothing when there is none to check.
    Raises JsonError; what else is wrong is in the report."""
    if len(line) > LINE_BYTES:
        report.wrong(
            None,
            f"the line is {len(line):,} bytes long, at most {LINE_BYTES // MIB} MiB are taken",
            "Upload media as files and name them by fileData.fileUri",
        )
        return b""
    check_depth(line)
    try:
        wrapped = _wrapped.decode(line)
    except msgspec.ValidationError:
        return _other(line, label, report)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        _save_key(line, label)
        raise explained(line, error) from None
    if not wrapped.request:
        return _other(line, label, report)
    _label(wrapped, line, label, report)
    _refuse_twice(line, report)
    return wrapped.request


def _other(line: bytes, label: Label, report: Report) -> msgspec.Raw | bytes:
    """A line that is not of the wrapped form: a bare request, or a mistake."""
    value = decode_strict(line)
    if type(value) is not dict:
        report.wrong(None, f"expected one JSON object per line, found {shown(value)}", _WRAPPED_WORDS)
        return b""
    _refuse_twice(line, report)
    if "custom_id" in value or ("method" in value and "url" in value):
        custom = value.get("custom_id")
        label.key = custom if isinstance(custom, str) else None
        report.wrong(None, "expected key and request, found custom_id, method, url or body", _OPENAI_WORDS)
        return b""
    members = _members.decode(line)
    if "request" not in value and not value.keys() <= set(_OUTER):
        _guess_label(value, label)
        return line
    found = Wrapped(*(members.get(name, _ABSENT) for name in _OUTER))
    _label(found, line, label, report)
    for name in value.keys() - set(_OUTER):
        instead = "It belongs inside request" if name not in ("Key", "id") else "Write key"
        report.wrong((None, name), f"unknown field {quoted(name)} beside request", instead)
    if "request" not in value:
        report.wrong((None, "request"), "expected a request, found none", _WRAPPED_WORDS)
    return found.request


def _save_key(line: bytes, label: Label) -> None:
    """The key of a line that is no JSON: most break behind it."""
    match = _FIRST_KEY.match(line)
    if not match:
        return
    try:
        label.key = _string.decode(match.group(1))
    except (msgspec.DecodeError, UnicodeDecodeError):
        return
    label.key_raw = match.group(1)


def _guess_label(value: dict[str, Json], label: Label) -> None:
    """A label written beside a bare request, so that the complaint about it can name it."""
    key = value.get("key")
    if isinstance(key, str):
        label.key = key


def _label(wrapped: Wrapped, line: bytes, label: Label, report: Report) -> None:
    key, metadata = wrapped.key, wrapped.metadata
    if key and bytes(key) != b"null":
        label.key_raw = _one_line(key)
        if label.key_raw[:1] == b'"':
            try:
                label.key = _string.decode(key)
            except (msgspec.DecodeError, UnicodeDecodeError):
                label.key_raw = b""
                decode_strict(line)  # says where
        else:
            _odd_key(key, label, report)
    if metadata and bytes(metadata) != b"null":
        _metadata(metadata, line, label, report)


def _metadata(raw: msgspec.Raw, line: bytes, label: Label, report: Report) -> None:
    try:
        value = decode_strict(raw)
    except JsonError:
        decode_strict(line)  # says where
        raise
    if type(value) is not dict:
        report.wrong((None, "metadata"), f"expected an object, found {shown(value)}")
        return
    label.metadata_raw = _one_line(raw)
    key = value.get("key")
    if label.key is None and key is not None:
        label.key = key if isinstance(key, str) else msgspec.json.encode(key).decode()


def _odd_key(raw: msgspec.Raw, label: Label, report: Report) -> None:
    """A whole number is a fine label and comes back as one; anything else is a mistake."""
    value = decode_strict(raw)
    if type(value) is int:
        label.key = str(value)
        return
    label.key_raw = b""
    instead = "Write a string; data that should come back with the answer belongs in metadata"
    report.wrong((None, "key"), f"expected a string, found {shown(value)}", instead)


def _one_line(raw: msgspec.Raw) -> bytes:
    """Raw JSON without a carriage return between its tokens: some readers take one for a line break."""
    found = bytes(raw)
    return msgspec.json.format(found, indent=-1) if b"\r" in found else found


def _refuse_twice(line: bytes, report: Report) -> None:
    """Reports members that one object names twice: parsers differ in which of the two they take. The names
    that matter are counted first, for the exact search costs more than everything else."""
    if len(line) < _TWICE_BYTES:
        for name in _WATCHED:
            if line.count(name) > 1:
                _find_twice(line, report)
                return


def _find_twice(line: bytes, report: Report) -> None:
    twice: dict[int, tuple[Json, str]] = {}

    def pairs(members: list[tuple[str, Json]]) -> dict[str, Json]:
        out = dict(members)
        if len(out) != len(members):
            seen: set[str] = set()
            for name, _ in members:
                if name in seen:
                    twice[id(out)] = (out, name)  # kept alive, so the id stays its own
                seen.add(name)
        return out

    whole = json.loads(line, object_pairs_hook=pairs)
    if twice:
        _name_twice(whole, None, {at: name for at, (_, name) in twice.items()}, report)


def _name_twice(value: Json, place: Place, twice: dict[int, str], report: Report) -> None:
    if isinstance(value, dict):
        if id(value) in twice:
            report.wrong((place, twice[id(value)]), "this member is given twice in one object", "Keep one")
        for name, inner in value.items():
            _name_twice(inner, (place, name), twice, report)
    elif isinstance(value, list):
        for at, inner in enumerate(value):
            _name_twice(inner, (place, at), twice, report)
