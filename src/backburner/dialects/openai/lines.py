"""Checks input lines: `{"custom_id", "method", "url", "body"}` (contract 5.4).

What makes a line no request at all (no JSON, no custom_id, another endpoint or model than its batch's, nothing to
answer) fails the batch, as on the real service. What is wrong inside a body is that request's own failure, found
when it is called; so here a body is only looked into for what identifies it.
"""

import hashlib
import re

import msgspec

from backburner.core.exchange import Json
from backburner.core.job import JobKind
from backburner.core.limits import LINE_BYTES, MIB
from backburner.core.request import CheckedLine
from backburner.dialects.lines import BOM, canonical_json, check_depth, fingerprint, lines_of
from backburner.dialects.openai.answers import one_line
from backburner.dialects.openai.chat_messages import named_files
from backburner.dialects.openai.endpoints import CHAT, CONTENTS, endpoint_of
from backburner.dialects.openai.parameters import repeatable
from backburner.dialects.openai.prompts import prompt_text
from backburner.dialects.prefix import EMPTY, Prefix
from backburner.dialects.protocol import Source
from backburner.dialects.report import Report, quoted, shown
from backburner.dialects.strict_json import JsonError, decode_strict, explained

MOST_STARTS = 256
_ABSENT = msgspec.Raw(b"")
_FIRST_ID = re.compile(rb'\s*\{\s*"custom_id"\s*:\s*("[^"\\]*(?:\\.[^"\\]*)*")')
_FORM = '{"custom_id": "...", "method": "POST", "url": "%s", "body": {...}}'
_GEMINI = "This is a line of the Gemini batch format; send the file to the Gemini endpoint of this server, or write "
_MISSING = "missing_required_parameter"


class Line(msgspec.Struct):
    """A line taken apart; what is missing is empty."""

    custom_id: msgspec.Raw = _ABSENT
    method: msgspec.Raw = _ABSENT
    url: msgspec.Raw = _ABSENT
    body: msgspec.Raw = _ABSENT


decode_line = msgspec.json.Decoder(Line).decode


class LineCheck:
    """Checks the lines of one source; remembers what they share."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._model = source.model.removeprefix("models/")
        self._form = _FORM % (source.endpoint or CHAT)
        self._identity = hashlib.blake2b(f"{source.job or source.name}/".encode(), digest_size=16)
        self._starts: dict[bytes, Prefix] = {b"": Prefix()}

    def check(self, line: bytes, ordinal: int, number: int, offset: int) -> CheckedLine:
        report = Report()
        try:
            found = self._open(line)
            bare = not (found.body or found.url or found.method)
            if bare:
                report.wrong(None, "expected custom_id, method, url and body", self._hint(line), _MISSING)
            key = None if bare and not found.custom_id else self._key(found, report)
            body = None if bare else self._body(found, report, line)
        except JsonError as error:
            report.wrong(None, error.sentence(), error.instead, "invalid_json_line")
            found, key, body = Line(), _saved_id(line), None
        raw_id = b"null" if key is None else one_line(bytes(found.custom_id)) or msgspec.json.encode(key)
        echo = self._echo(ordinal, raw_id)
        if body is None or not report.clean:
            violations = report.violations(number, key)
            return CheckedLine(ordinal, number, offset, len(line), key, echo, EMPTY, b"", violations)
        endpoint = endpoint_of(msgspec.json.decode(found.url)) or CHAT
        same = self._source.kind is JobKind.EMBED or repeatable(body)
        return CheckedLine(
            ordinal,
            number,
            offset,
            len(line),
            key,
            echo,
            self._plan_key(endpoint, body),
            fingerprint(endpoint.encode(), canonical_json(body)) if same else b"",
            (),
            (),
            named_files(body.get("messages")) if b'"file_id"' in bytes(found.body) else (),
        )

    def _open(self, line: bytes) -> Line:
        """Raises JsonError."""
        if len(line) > LINE_BYTES:
            raise JsonError(1, 1, f"at most {LINE_BYTES // MIB} MiB", f"{len(line):,} bytes")
        check_depth(line)
        try:
            return decode_line(line)
        except msgspec.ValidationError:
            found = shown(decode_strict(line))
            raise JsonError(1, 1, "one JSON object per line", found, f"Write {self._form}") from None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise explained(line, error) from None

    def _echo(self, ordinal: int, raw_id: bytes) -> bytes:
        digest = self._identity.copy()
        digest.update(b"%d" % ordinal)
        return b'"id":"batch_req_%s","custom_id":%s' % (digest.hexdigest().encode(), raw_id)

    def _key(self, found: Line, report: Report) -> str | None:
        if not found.custom_id:
            report.wrong((None, "custom_id"), "is required and is missing", f"Write {self._form}", _MISSING)
            return None
        value = decode_strict(found.custom_id)
        if isinstance(value, str):
            return value
        report.wrong((None, "custom_id"), f"expected a string, found {shown(value)}", "", "invalid_custom_id")
        return None

    def _body(self, found: Line, report: Report, line: bytes) -> dict[str, Json] | None:
        """The body of a line whose outer form is checked."""
        self._check_method(found, report)
        endpoint = self._check_url(found, report)
        if not found.body:
            report.wrong((None, "body"), "is required and is missing", f"Write {self._form}", _MISSING)
            return None
        try:
            body = decode_strict(found.body)
        except JsonError:
            decode_strict(line)  # the same mistake, with the column in the line
            raise
        if not isinstance(body, dict):
            report.wrong((None, "body"), f"expected an object, found {shown(body)}", "", "invalid_body")
            return None
        self._check_body(body, endpoint, report)
        return body

    def _hint(self, line: bytes) -> str:
        members = decode_strict(line)
        if "request" in members or "contents" in members:
            return _GEMINI + self._form
        return f"Write {self._form}"

    def _check_method(self, found: Line, report: Report) -> None:
        if not found.method:
            report.wrong((None, "method"), "is required and is missing", "Write POST", _MISSING)
        elif bytes(found.method) != b'"POST"':
            words = f"expected POST, found {shown(decode_strict(found.method))}"
            report.wrong((None, "method"), words, "", "invalid_method")

    def _check_url(self, found: Line, report: Report) -> str | None:
        place = (None, "url")
        wanted = self._source.endpoint
        if not found.url:
            report.wrong(place, "is required and is missing", f"Write {wanted or CHAT}", _MISSING)
            return None
        value = decode_strict(found.url)
        endpoint = endpoint_of(value) if isinstance(value, str) else None
        if endpoint is None:
            report.wrong(place, f"expected {wanted or CHAT}, found {shown(value)}", "", "invalid_url")
        elif wanted and endpoint != wanted:
            words = f"expected the endpoint of the batch, {wanted}, found {quoted(str(value))}"
            report.wrong(place, words, "One batch is for one endpoint", "url_mismatch")
        return endpoint

    def _check_body(self, body: dict[str, Json], endpoint: str | None, report: Report) -> None:
        report.root = "body"
        model = body.get("model")
        if model is None:
            report.wrong((None, "model"), "is required and is missing", "", _MISSING)
        elif not isinstance(model, str):
            report.wrong((None, "model"), f"expected a string, found {shown(model)}", "", "invalid_model")
        elif model.removeprefix("models/") != self._model:
            words = f"expected {quoted(self._model)}, the model of the batch, found {quoted(model)}"
            report.wrong((None, "model"), words, "One batch has one model", "model_mismatch")
        name = CONTENTS.get(endpoint or "")
        if name and body.get(name) is None:
            report.wrong((None, name), "is required and is missing", "", _MISSING)
        report.root = ""

    def _plan_key(self, endpoint: str, body: dict[str, Json]) -> bytes:
        if self._source.kind is not JobKind.GENERATE:
            return EMPTY
        start, rest = prompt_text(endpoint, body)
        prefix = self._starts.get(start)
        if prefix is None:
            if len(self._starts) >= MOST_STARTS:
                self._starts = {b"": Prefix()}
            prefix = self._starts[start] = Prefix(start)
        return prefix.key(rest)


class _Named(msgspec.Struct):
    model: str


class _Body(msgspec.Struct):
    body: _Named


_body = msgspec.json.Decoder(_Body)


def first_model(begun: bytes, *, whole: bool) -> str:
    """The model of the first request in the beginning of a file that names one; empty when none does. Without
    `whole` the last line may be cut."""
    for _, _, line in lines_of(begun if whole else begun[: begun.rfind(b"\n") + 1], 0):
        try:
            return _body.decode(line.removeprefix(BOM)).body.model
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            continue
    return ""


def _saved_id(line: bytes) -> str | None:
    """The custom_id of a line that is no JSON: most break behind it."""
    match = _FIRST_ID.match(line)
    try:
        return msgspec.json.decode(match.group(1), type=str) if match else None
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
