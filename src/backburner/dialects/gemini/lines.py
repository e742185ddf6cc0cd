"""Checks input lines: where each begins, what identifies it, what is wrong with it (contract 1.9, 7.3).

Good lines cost a few microseconds (quick.py); the blob of an image is looked at once. A wrong line names its
line, key and every place in it that is wrong.
"""

import msgspec

from backburner.core.exchange import Json
from backburner.core.job import JobKind
from backburner.core.names import file_id_of
from backburner.core.request import CheckedLine
from backburner.dialects.gemini.check import checked
from backburner.dialects.gemini.line_form import Label, opened
from backburner.dialects.gemini.prefix import contents_text, start_text
from backburner.dialects.gemini.quick import Quick, QuickCheck, fingerprint_of, repeatable
from backburner.dialects.prefix import EMPTY, Prefix
from backburner.dialects.protocol import Source
from backburner.dialects.report import Report
from backburner.dialects.strict_json import JsonError, decode_strict

INLINE_PATH = "batch.inputConfig.requests.requests"


class LineCheck:
    """Checks the lines of one source; remembers what they share."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self._inline = source.name is None
        self._quick = QuickCheck(source)
        self._starts: dict[bytes, Prefix] = {}

    def check(self, line: bytes, ordinal: int, number: int, offset: int) -> CheckedLine:
        label = Label()
        report = Report(f"{INLINE_PATH}[{ordinal}]" if self._inline else "")
        try:
            raw = opened(line, label, report)
            quick = self._quick.check(raw) if report.clean else None
            if quick is not None:
                return self._good(line, ordinal, number, offset, label, quick)
            request = self._request(raw, line, report) if raw else {}
        except JsonError as error:
            report.wrong(None, error.sentence(), error.instead)
            request, raw = {}, b""
        if not report.clean:
            return self._wrong(line, ordinal, number, offset, label, report)
        fixed = self.source.kind is JobKind.EMBED or repeatable(request)
        known = Quick(fingerprint_of(request) if fixed else b"", self._plan_key(request))
        files, caches = references(request)
        return self._good(line, ordinal, number, offset, label, known, tuple(report.warnings), files, caches)

    def _good(
        self,
        line: bytes,
        ordinal: int,
        number: int,
        offset: int,
        label: Label,
        known: Quick,
        warnings: tuple[str, ...] = (),
        files: tuple[str, ...] = (),
        caches: tuple[str, ...] = (),
    ) -> CheckedLine:
        return CheckedLine(
            ordinal,
            number,
            offset,
            len(line),
            label.key,
            label.echo(self._inline),
            known.plan_key,
            known.fingerprint,
            (),
            warnings,
            files,
            caches,
        )

    def _wrong(
        self, line: bytes, ordinal: int, number: int, offset: int, label: Label, report: Report
    ) -> CheckedLine:
        violations = report.violations(None if self._inline else number, label.key)
        echo = label.echo(self._inline)
        return CheckedLine(ordinal, number, offset, len(line), label.key, echo, EMPTY, b"", violations)

    def _request(self, raw: msgspec.Raw | bytes, line: bytes, report: Report) -> dict[str, Json]:
        try:
            value = decode_strict(raw)
        except JsonError:
            decode_strict(line)  # the same mistake, with the column in the line
            raise
        outer = report.root
        if raw is not line:
            report.root = f"{outer}.request" if outer else "request"
        try:
            return checked(self.source.kind, value, report, self.source.model)
        finally:
            report.root = outer

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


def references(request: dict[str, Json]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Ids of the files and cached contents that a request names."""
    files: list[str] = []
    for content in (*request.get("contents", ()), request.get("systemInstruction"), request.get("content")):
        for part in content.get("parts", ()) if content else ():
            _collect_files(part, files)
    cached = request.get("cachedContent")
    return tuple(dict.fromkeys(files)), (cached.removeprefix("cachedContents/"),) if cached else ()


def _collect_files(part: dict[str, Json], files: list[str]) -> None:
    if "fileData" in part:
        found = file_id_of(part["fileData"]["fileUri"])
        if found:
            files.append(found)
    for inner in part.get("functionResponse", {}).get("parts", ()):
        _collect_files(inner, files)
