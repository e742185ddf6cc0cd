"""Checks input lines: where each begins, what identifies it, what is wrong with it (contract 1.9, 7.3).

A line is `{"key", "request"}`, `{"request", "metadata"}` or a bare request. `echo` is what its result starts
with: the caller's key and metadata as they were written. Good lines cost a few microseconds; the blob of an
image is looked at once.
"""

import hashlib
from collections.abc import Iterator

import msgspec

from backburner.core.errors import Violation
from backburner.core.exchange import Json
from backburner.core.job import JobKind
from backburner.core.limits import LINE_BYTES, MIB
from backburner.core.names import file_id_of
from backburner.core.request import CheckedLine
from backburner.dialects.gemini.check import checked
from backburner.dialects.gemini.lenient_json import JsonError, decode_strict, explained
from backburner.dialects.gemini.prefix import EMPTY, Prefix, contents_text, start_text
from backburner.dialects.gemini.report import Report, quoted, shown
from backburner.dialects.protocol import Source

MOST_NESTED = 200  # levels of JSON in a line
INLINE_PATH = "batch.inputConfig.requests.requests"
_ABSENT = msgspec.Raw(b"")
_OPENAI_WORDS = (
    "This is a line of the OpenAI batch format; send the file to the OpenAI endpoint of this server, or write "
    '{"key": "...", "request": {"contents": [{"parts": [{"text": "..."}]}]}}'
)


class Wrapped(msgspec.Struct, forbid_unknown_fields=True):
    key: msgspec.Raw = _ABSENT
    request: msgspec.Raw = _ABSENT
    metadata: msgspec.Raw = _ABSENT


_wrapped = msgspec.json.Decoder(Wrapped)
_string = msgspec.json.Decoder(str)


def lines_of(chunk: bytes, offset: int) -> Iterator[tuple[int, int, bytes]]:
    """(number from 0, offset, line without its break) of every line, blank ones included."""
    at, number = 0, 0
    size = len(chunk)
    while at < size:
        end = chunk.find(b"\n", at)
        end = size if end < 0 else end
        line = chunk[at:end]
        yield number, offset + at, line.removesuffix(b"\r")
        at, number = end + 1, number + 1


class LineCheck:
    """Checks the lines of one source. Holds what lines of a job tend to share: their prompt's start."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self._starts: dict[bytes, Prefix] = {}

    def check(self, line: bytes, ordinal: int, number: int, offset: int) -> CheckedLine:
        source = self.source
        inline = source.name is None
        report = Report(f"{INLINE_PATH}[{ordinal}]" if inline else "")
        opened = _Opened(ordinal, None if inline else number)
        request: dict[str, Json] = {}
        raw: msgspec.Raw | bytes = b""
        try:
            raw = _open(line, opened, report)
            if raw:
                request = self._request(raw, report, bare=raw is line)
        except JsonError as error:
            report.root = ""
            report.wrong(None, error.sentence(), error.instead)
        if not report.clean:
            return _wrong_line(line, number, offset, opened, report)
        files, caches = _references(request)
        return CheckedLine(
            ordinal,
            number,
            offset,
            len(line),
            opened.key,
            opened.echo(inline),
            self._plan_key(request),
            fingerprint(source.kind, request, raw),
            (),
            tuple(report.warnings),
            files,
            caches,
        )

    def _request(self, raw: msgspec.Raw | bytes, report: Report, bare: bool) -> dict[str, Json]:
        value = decode_strict(raw)
        if not bare:
            report.root = f"{report.root}.request" if report.root else "request"
        return checked(self.source.kind, value, report, self.source.model)

    def _plan_key(self, request: dict[str, Json]) -> bytes:
        if self.source.kind is not JobKind.GENERATE:
            return EMPTY
        rest = contents_text(request.get("contents", []))
        start = start_text(request)
        prefix = self._starts.get(start)
        if prefix is None:
            if len(self._starts) >= 256:
                self._starts.clear()
            prefix = self._starts[start] = Prefix(start)
        return prefix.key(rest)


class _Opened:
    """The caller's label of a line, as written."""

    __slots__ = ("key", "key_raw", "line", "metadata_raw", "ordinal")

    def __init__(self, ordinal: int, line: int | None) -> None:
        self.ordinal = ordinal
        self.line = line
        self.key: str | None = None
        self.key_raw = b""
        self.metadata_raw = b""

    def echo(self, inline: bool) -> bytes:
        """A file's result carries its key even when it came inside metadata: that is where readers look."""
        key_raw = self.key_raw
        if not key_raw and not inline and self.key is not None:
            key_raw = msgspec.json.encode(self.key)
        members = [b'"key":' + key_raw] if key_raw else []
        if self.metadata_raw:
            members.append(b'"metadata":' + self.metadata_raw)
        return b",".join(members)


def _open(line: bytes, opened: _Opened, report: Report) -> msgspec.Raw | bytes:
    """The request's bytes (the line itself when it is bare); the label goes to `opened`."""
    if len(line) > LINE_BYTES:
        report.wrong(
            None,
            f"the line is {len(line):,} bytes long, at most {LINE_BYTES // MIB} MiB are taken",
            "Upload media as files and name them by fileData.fileUri",
        )
        return b""
    if line.count(b"{") + line.count(b"[") > MOST_NESTED and _depth(line) > MOST_NESTED:
        raise JsonError(1, 1, f"at most {MOST_NESTED} levels of nesting", "more")
    try:
        wrapped = _wrapped.decode(line)
    except msgspec.ValidationError:
        return _open_other(line, opened, report)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise explained(line, error) from None
    if not wrapped.request:
        return _open_other(line, opened, report)
    _label(wrapped, opened, report)
    return wrapped.request


def _open_other(line: bytes, opened: _Opened, report: Report) -> bytes:
    """A line that is not `{"key", "request", "metadata"}`: a bare request, or a mistake."""
    value = decode_strict(line)
    if type(value) is not dict:
        report.wrong(
            None,
            f"expected one JSON object per line, found {shown(value)}",
            'Write {"key": "...", "request": {...}} on one line',
        )
        return b""
    if "custom_id" in value or ("method" in value and "url" in value):
        opened.key = value.get("custom_id") if isinstance(value.get("custom_id"), str) else None
        report.wrong(None, "expected key and request, found custom_id, method, url or body", _OPENAI_WORDS)
        return b""
    if "request" in value:
        _label_of(value, opened)
        for name in value.keys() - {"key", "request", "metadata"}:
            instead = "It belongs inside request" if name not in ("Key", "id") else "Write key"
            report.wrong((None, name), f"unknown field {quoted(name)} beside request", instead)
        return b""
    if value.keys() <= {"key", "metadata"}:
        _label_of(value, opened)
        report.wrong(
            (None, "request"), "expected a request, found none", 'Write {"key": "...", "request": {...}}'
        )
        return b""
    _label_of(value, opened)
    return line


def _label_of(value: dict[str, Json], opened: _Opened) -> None:
    """The label as far as it can be read, so that the complaint can name it."""
    key = value.get("key")
    if key is None and isinstance(value.get("metadata"), dict):
        key = value["metadata"].get("key")
    opened.key = str(key) if isinstance(key, str | int) and not isinstance(key, bool) else None


def _label(wrapped: Wrapped, opened: _Opened, report: Report) -> None:
    if wrapped.key and bytes(wrapped.key) != b"null":
        opened.key_raw = _one_line(wrapped.key)
        if opened.key_raw[:1] == b'"':
            try:
                opened.key = _string.decode(wrapped.key)
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                raise explained(bytes(wrapped.key), error) from None
        else:
            _odd_key(wrapped.key, opened, report)
    if wrapped.metadata and bytes(wrapped.metadata) != b"null":
        value = decode_strict(wrapped.metadata)
        if type(value) is not dict:
            report.wrong((None, "metadata"), f"expected an object, found {shown(value)}")
            return
        opened.metadata_raw = _one_line(wrapped.metadata)
        if not opened.key_raw and "key" in value:
            key = value["key"]
            opened.key = key if isinstance(key, str) else msgspec.json.encode(key).decode()


def _odd_key(raw: msgspec.Raw, opened: _Opened, report: Report) -> None:
    """A whole number is a fine label and comes back as one; anything else is a mistake."""
    value = decode_strict(raw)
    if type(value) is int:
        opened.key = str(value)
        return
    instead = "Write a string; data that should come back with the answer belongs in metadata"
    report.wrong((None, "key"), f"expected a string, found {shown(value)}", instead)


def _one_line(raw: msgspec.Raw) -> bytes:
    """Raw JSON without a carriage return between its tokens: some readers take one for a line break."""
    found = bytes(raw)
    return msgspec.json.format(found, indent=-1) if b"\r" in found else found


def _depth(line: bytes) -> int:
    """Deepest nesting of brackets outside strings."""
    deepest = depth = 0
    in_string = escaped = False
    for byte in line:
        if in_string:
            if escaped:
                escaped = False
            elif byte == 0x5C:
                escaped = True
            elif byte == 0x22:
                in_string = False
        elif byte == 0x22:
            in_string = True
        elif byte in (0x7B, 0x5B):
            depth += 1
            deepest = max(deepest, depth)
        elif byte in (0x7D, 0x5D):
            depth -= 1
    return deepest


def _wrong_line(line: bytes, number: int, offset: int, opened: _Opened, report: Report) -> CheckedLine:
    violations: tuple[Violation, ...] = report.violations(opened.line, opened.key)
    echo = opened.echo(opened.line is None)
    return CheckedLine(
        opened.ordinal,
        number,
        offset,
        len(line),
        opened.key,
        echo,
        EMPTY,
        b"",
        violations,
        tuple(report.warnings),
    )


def fingerprint(kind: JobKind, request: dict[str, Json], raw: msgspec.Raw | bytes) -> bytes:
    """Equal for requests that must have equal answers; empty when sampling may differ."""
    if kind is JobKind.GENERATE:
        config = request.get("generationConfig", {})
        if config.get("temperature") != 0 and "seed" not in config:
            return b""
    return hashlib.blake2b(raw, digest_size=16).digest()


def _references(request: dict[str, Json]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Ids of the files and cached contents that a request names."""
    files: list[str] = []
    for content in (*request.get("contents", ()), request.get("systemInstruction"), request.get("content")):
        for part in content.get("parts", ()) if content else ():
            _collect_files(part, files)
    cached = request.get("cachedContent")
    return tuple(dict.fromkeys(files)), (cached.removeprefix("cachedContents/"),) if cached else ()


def _collect_files(part: dict[str, Json], files: list[str]) -> None:
    if "fileData" in part:
        found = our_file(part["fileData"]["fileUri"])
        if found:
            files.append(found)
    for inner in part.get("functionResponse", {}).get("parts", ()):
        _collect_files(inner, files)


def our_file(uri: str) -> str | None:
    return file_id_of(uri)
