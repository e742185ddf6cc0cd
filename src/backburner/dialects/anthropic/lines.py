"""Checks the lines of a batch: `{"custom_id", "params"}`, one for each request (contract 6.1).

The door writes the requests of a creation as such lines. A wrong one names its place in the body that the caller
sent (`requests[3].params.max_tokens`), and everything in it that is wrong.
"""

import re

import msgspec

from backburner.core.exchange import Json
from backburner.core.request import CheckedLine
from backburner.dialects.anthropic.prompt import conversation_text, start_text
from backburner.dialects.anthropic.rules import batch_rules, checked
from backburner.dialects.anthropic.schema import CUSTOM_ID
from backburner.dialects.lines import BOM, canonical_json, check_depth, fingerprint, lines_of
from backburner.dialects.prefix import EMPTY, Prefix
from backburner.dialects.protocol import Source
from backburner.dialects.report import Report, shown
from backburner.dialects.strict_json import JsonError, decode_strict

MOST_STARTS = 256  # rendered prompt starts remembered at a time
_LABEL = re.compile(CUSTOM_ID)
_LINE = 'Write {"custom_id": "...", "params": {"model": ..., "max_tokens": ..., "messages": [...]}}'
_members = msgspec.json.Decoder(dict[str, msgspec.Raw])


def echo_of(label: str) -> bytes:
    return b'"custom_id":' + msgspec.json.encode(label)


class LineCheck:
    """Checks the lines of one source; remembers the prompt starts that they share."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._starts: dict[bytes, Prefix] = {}

    def check(self, line: bytes, ordinal: int, number: int, offset: int) -> CheckedLine:
        inline = self._source.name is None
        report = Report(f"requests[{ordinal}]" if inline else "")
        label, raw = self._opened(line, report)
        params = self._params(raw, report) if raw is not None else {}
        if not report.clean:
            violations = report.violations(None if inline else number, label or None)
            return CheckedLine(
                *(ordinal, number, offset, len(line), label or None, echo_of(label), EMPTY, b"", violations)
            )
        repeatable = params.get("temperature") == 0
        return CheckedLine(
            ordinal,
            number,
            offset,
            len(line),
            label,
            echo_of(label),
            self._plan_key(params),
            fingerprint(canonical_json(params)) if repeatable else b"",
            (),
            tuple(report.warnings),
        )

    def _opened(self, line: bytes, report: Report) -> tuple[str, msgspec.Raw | None]:
        """The caller's label and the request, as raw JSON."""
        try:
            check_depth(line)
            found = _members.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            report.wrong(None, self._no_object(line), _LINE)
            return "", None
        except JsonError as error:
            report.wrong(None, error.sentence())
            return "", None
        for name in found.keys() - {"custom_id", "params"}:
            report.wrong((None, name), "stands beside params", "Move it into params, or leave it out")
        if "params" not in found:
            report.wrong((None, "params"), "is missing", _LINE)
        return self._label(found, report), found.get("params")

    @staticmethod
    def _no_object(line: bytes) -> str:
        try:
            return f"expected an object, found {shown(decode_strict(line))}"
        except JsonError as error:
            return error.sentence()

    @staticmethod
    def _label(found: dict[str, msgspec.Raw], report: Report) -> str:
        if "custom_id" not in found:
            report.wrong((None, "custom_id"), "is missing", 'Write for example "custom_id": "request-1"')
            return ""
        try:
            label = decode_strict(found["custom_id"])
        except JsonError as error:
            report.wrong((None, "custom_id"), error.sentence(), error.instead)
            return ""
        if not isinstance(label, str) or not _LABEL.fullmatch(label):
            words = f"expected 1 to 64 letters, digits, dashes or underscores, found {shown(label)}"
            report.wrong((None, "custom_id"), words, 'Write for example "request-1"')
        return label if isinstance(label, str) else ""

    def _params(self, raw: msgspec.Raw, report: Report) -> dict[str, Json]:
        outer = report.root
        report.root = f"{outer}.params" if outer else "params"
        params: Json = None
        try:
            params = decode_strict(raw)
            checked(params, report)
            if isinstance(params, dict):
                batch_rules(params, self._source.model, report)
        except JsonError as error:
            report.wrong(None, error.sentence(), error.instead)
        report.root = outer
        return params

    def _plan_key(self, params: dict[str, Json]) -> bytes:
        start = start_text(params)
        prefix = self._starts.get(start)
        if prefix is None:
            if len(self._starts) >= MOST_STARTS:
                self._starts.clear()
            prefix = self._starts[start] = Prefix(start)
        return prefix.key(conversation_text(params["messages"]))


def check_all(
    chunk: bytes, source: Source, first_ordinal: int, first_line: int, offset: int
) -> list[CheckedLine]:
    found: list[CheckedLine] = []
    check = LineCheck(source)
    for number, at, line in lines_of(chunk, offset):
        if at == 0 and line.startswith(BOM):
            at, line = len(BOM), line.removeprefix(BOM)
        if line and not line.isspace():
            found.append(check.check(line, first_ordinal + len(found), first_line + number, at))
    return found
