"""The quick way through a good line: text contents, a generationConfig and system instruction seen before.

Lines of one job mostly repeat their configuration byte for byte, so its verdict is remembered by its bytes and
only the contents are looked at. Whatever is not plainly good goes the whole way (lines.py), which alone can
find a mistake; the two agree on every line that this one takes.
"""

from typing import Annotated, Any, Literal

import msgspec

from backburner.core.job import JobKind
from backburner.dialects.gemini.prefix import start_text
from backburner.dialects.gemini.rules import bare_model, generate_rules
from backburner.dialects.gemini.walk import read
from backburner.dialects.lines import canonical_json, fingerprint
from backburner.dialects.prefix import Prefix
from backburner.dialects.protocol import Source
from backburner.dialects.report import Report

MOST_REMEMBERED = 1024
_ABSENT = msgspec.Raw(b"")
_APART = frozenset(("model", "contents", "generationConfig", "systemInstruction"))
_ANY_CONTENTS = [{"parts": [{"text": ""}]}]


class _Part(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    text: str


class _Content(msgspec.Struct, forbid_unknown_fields=True):
    parts: Annotated[list[_Part], msgspec.Meta(min_length=1)]
    role: Literal["user", "model", "function"] = "user"


class _Request(msgspec.Struct, forbid_unknown_fields=True):
    contents: Annotated[list[_Content], msgspec.Meta(min_length=1)]
    model: str = ""
    generationConfig: msgspec.Raw = _ABSENT  # noqa: N815  the wire's spelling
    generation_config: msgspec.Raw = _ABSENT
    systemInstruction: msgspec.Raw = _ABSENT  # noqa: N815
    system_instruction: msgspec.Raw = _ABSENT


class Quick(msgspec.Struct, frozen=True):
    """What there is to know of a good line."""

    fingerprint: bytes
    plan_key: bytes


class QuickCheck:
    def __init__(self, source: Source) -> None:
        self._model = bare_model(source.model)
        self._decoder = msgspec.json.Decoder(_Request) if source.kind is JobKind.GENERATE else None
        # By their bytes; None where it is not plainly good. A configuration with its canonical form, which is empty
        # where it leaves the answer to chance; a system instruction with its own, and the prompt that begins with it.
        self._configs: dict[bytes, bytes | None] = {b"": b""}
        self._starts: dict[bytes, tuple[bytes, Prefix] | None] = {b"": (b"", Prefix())}

    def check(self, raw: msgspec.Raw | bytes) -> Quick | None:
        """None: take the whole way."""
        if self._decoder is None:
            return None
        try:
            request = self._decoder.decode(raw)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None
        if request.model and bare_model(request.model) != self._model:
            return None
        config, other = request.generationConfig, request.generation_config
        system, other_system = request.systemInstruction, request.system_instruction
        if (config and other) or (system and other_system):
            return None
        known = self._config(bytes(config or other))
        start = self._start(bytes(system or other_system))
        if known is None or start is None:
            return None
        begun, prefix = start
        found = fingerprint(msgspec.json.encode(request.contents), known, begun, b"") if known else b""
        return Quick(found, prefix.key(_text(request.contents)))

    def _config(self, raw: bytes) -> bytes | None:
        if raw not in self._configs:
            if len(self._configs) >= MOST_REMEMBERED:
                self._configs = {b"": b""}
            request = self._good("generationConfig", raw)
            fixed = request is not None and repeatable(request)
            known = canonical_json(request["generationConfig"]) if request is not None and fixed else b""
            self._configs[raw] = None if request is None else known
        return self._configs[raw]

    def _start(self, raw: bytes) -> tuple[bytes, Prefix] | None:
        if raw not in self._starts:
            if len(self._starts) >= MOST_REMEMBERED:
                self._starts = {b"": (b"", Prefix())}
            request = self._good("systemInstruction", raw)
            start = None
            if request is not None:
                start = canonical_json(request["systemInstruction"]), Prefix(start_text(request))
            self._starts[raw] = start
        return self._starts[raw]

    def _good(self, member: str, raw: bytes) -> dict[str, object] | None:
        """A request with this member and any contents, when nothing at all is to say about it."""
        try:
            value = msgspec.json.decode(raw)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None
        if not isinstance(value, dict):
            return None
        report = Report()
        request = read("GenerateContentRequest", {"contents": _ANY_CONTENTS, member: value}, report)
        generate_rules(request, report)
        return request if report.clean and not report.warnings else None


def fingerprint_of(request: dict[str, Any]) -> bytes:
    """Of a request in canonical spelling: the same for requests that ask for the same, however it is written. The
    model is the job's; a file stands for its content by its name, which the job has pinned."""
    rest = {name: value for name, value in request.items() if name not in _APART}
    contents = [{"role": "user", **content} for content in request.get("contents", ())]
    config, system = (request.get(name) for name in ("generationConfig", "systemInstruction"))
    return fingerprint(
        canonical_json(contents),
        canonical_json(config) if config is not None else b"",
        canonical_json(system) if system is not None else b"",
        canonical_json(rest) if rest else b"",
    )


def repeatable(request: dict[str, object]) -> bool:
    """Whether the same request must have the same answer: greedy, or sampled from a seed."""
    config = request.get("generationConfig")
    return isinstance(config, dict) and (config.get("temperature") == 0 or "seed" in config)


def _text(contents: list[_Content]) -> bytes:
    """The same rendering as prefix.contents_text."""
    pieces: list[str] = []
    for content in contents:
        pieces.append("\x1d" + content.role)
        for part in content.parts:
            pieces.append("\x1e" + part.text)
    return "".join(pieces).encode("utf-8", "replace")
