"""Bodies of the interactive calls, caches, uploads and updates: decoded leniently, checked whole (contract 2 to 4).

Each function takes the bytes of a request body and returns values in canonical spelling, or raises
InvalidArgument with every violation. An empty body counts as `{}`: the SDKs send some (contract 0.4).
"""

import re

import msgspec

from backburner.core.clock import parse_rfc3339
from backburner.core.errors import InvalidArgument, Violation
from backburner.core.exchange import Json
from backburner.core.job import JobKind
from backburner.dialects.gemini.check import checked
from backburner.dialects.gemini.lenient_json import decode
from backburner.dialects.gemini.rules import contents_rules, parts_rules, tools_rules
from backburner.dialects.gemini.walk import read
from backburner.dialects.report import Report
from backburner.dialects.strict_json import JsonError

_DURATION = re.compile(r"(\d{1,12}(?:\.\d{1,9})?)s")
_CACHED = ("contents", "systemInstruction", "tools", "toolConfig")
_WRONG = "the request is not valid"


class Asked(msgspec.Struct, frozen=True):
    """One interactive request. `line` is its canonical JSON, what `GeminiDialect.to_call` takes."""

    request: dict[str, Json]
    line: bytes
    warnings: tuple[str, ...] = ()

    @property
    def flex(self) -> bool:
        return self.request.get("serviceTier") == "flex"


def generate_body(body: bytes, model: str) -> Asked:
    return _asked(JobKind.GENERATE, _value(body), model)


def embed_body(body: bytes, model: str) -> Asked:
    return _asked(JobKind.EMBED, _value(body), model)


def batch_embed_body(body: bytes, model: str) -> list[dict[str, Json]]:
    """The canonical requests of batchEmbedContents, all good."""
    report = Report()
    requests = read("BatchEmbedContentsRequest", _value(body), report).get("requests", [])
    if not requests and report.clean:
        instead = 'Write {"requests": [{"content": {"parts": [{"text": "..."}]}}]}'
        report.wrong((None, "requests"), "expected at least one request, found none", instead)
    violations = list(report.violations())
    if not violations:
        for at, request in enumerate(requests):
            one = Report(f"requests[{at}]")
            checked(JobKind.EMBED, request, one, model)
            violations += one.violations()
    if violations:
        raise InvalidArgument(_WRONG, violations=violations)
    return requests


def count_tokens_body(body: bytes, model: str) -> Asked:
    """The request whose prompt is to be counted, from either of the two forms."""
    report = Report()
    found = read("CountTokensRequest", _value(body), report)
    _refuse(report)
    inner = found.pop("generateContentRequest", None)
    if inner is not None and "contents" in found:
        report.wrong(
            (None, "contents"), "contents and generateContentRequest are both given", "Keep one of them"
        )
        _refuse(report)
    return _asked(JobKind.GENERATE, inner if inner is not None else found, model)


def _asked(kind: JobKind, value: Json, model: str) -> Asked:
    report = Report()
    request = checked(kind, value, report, model)
    _refuse(report)
    return Asked(request, msgspec.json.encode(request), tuple(report.warnings))


class CacheBody(msgspec.Struct, frozen=True, kw_only=True):
    """A cache creation. `body` holds contents, systemInstruction, tools and toolConfig, canonical."""

    model: str
    display_name: str = ""
    body: dict[str, Json]
    ttl_s: float | None = None
    expire_at: float | None = None


def cache_body(body: bytes) -> CacheBody:
    report = Report()
    found = read("CachedContent", _value(body), report)
    if not found.get("model") and report.clean:
        report.wrong((None, "model"), "expected a model, found none", 'Write "model": "models/..."')
    contents_rules(found.get("contents", []), (None, "contents"), report)
    if "systemInstruction" in found:
        parts_rules(found["systemInstruction"], (None, "systemInstruction"), report)
    tools_rules(found, report)
    if not any(name in found for name in _CACHED) and report.clean:
        report.wrong((None, "contents"), "expected something to cache, found nothing", "Write contents")
    ttl_s, expire_at = _expiry(found, report)
    _refuse(report)
    return CacheBody(
        model=found["model"].removeprefix("models/"),
        display_name=found.get("displayName", ""),
        body={name: found[name] for name in _CACHED if name in found},
        ttl_s=ttl_s,
        expire_at=expire_at,
    )


def cache_update(body: bytes) -> tuple[float | None, float | None]:
    """(ttl_s, expire_at), one of them set: nothing else of a cache may change."""
    report = Report()
    found = read("CachedContent", _value(body), report)
    ttl_s, expire_at = _expiry(found, report)
    if report.clean and ttl_s is None and expire_at is None:
        report.wrong(
            (None, "ttl"), "expected ttl or expireTime; nothing else can change", 'Write {"ttl": "3600s"}'
        )
    _refuse(report)
    return ttl_s, expire_at


def _expiry(found: dict[str, Json], report: Report) -> tuple[float | None, float | None]:
    ttl, expire = found.get("ttl"), found.get("expireTime")
    if ttl and expire:
        report.wrong((None, "expireTime"), "ttl and expireTime are both given", "Keep one of them")
    if ttl:
        match = _DURATION.fullmatch(ttl)
        if not match:
            report.wrong((None, "ttl"), f"expected seconds with an s, found {ttl[:40]!r}", 'Write "3600s"')
        return (float(match.group(1)) if match else None), None
    if expire:
        try:
            return None, parse_rfc3339(expire)
        except (ValueError, OverflowError):
            words = f"expected an RFC 3339 timestamp, found {expire[:40]!r}"
            report.wrong((None, "expireTime"), words, 'Write "2026-11-21T00:00:00Z"')
    return None, None


class FileStart(msgspec.Struct, frozen=True):
    """What an upload's start says of the file; all of it may be missing."""

    name: str | None = None
    display_name: str = ""
    mime_type: str = ""
    size_bytes: int | None = None


def file_start(body: bytes) -> FileStart:
    report = Report()
    found = read("FileUpload", _value(body), report).get("file", {})
    _refuse(report)
    return FileStart(
        found.get("name") or None,
        found.get("displayName", ""),
        found.get("mimeType", ""),
        found.get("sizeBytes"),
    )


def batch_update(body: bytes) -> tuple[int | None, str | None]:
    """(priority, display name) from the body of an update; what the service may change."""
    report = Report()
    value = _value(body)
    if isinstance(value, dict) and isinstance(value.get("batch"), dict):
        value = value["batch"]
    found = read("BatchUpdate", value, report)
    if report.clean and "priority" not in found and "displayName" not in found:
        found_names = ", ".join(value) if isinstance(value, dict) and value else "nothing"
        words = f"expected priority or displayName, found {found_names}; nothing else can change"
        report.wrong((None, "priority"), words, 'Write {"priority": "1"}')
    _refuse(report)
    return found.get("priority"), found.get("displayName")


def _value(body: bytes) -> Json:
    if not body.strip():
        return {}
    try:
        return decode(body)
    except JsonError as error:
        raise InvalidArgument(_WRONG, violations=[Violation("", error.sentence(), error.instead)]) from None


def _refuse(report: Report) -> None:
    if not report.clean:
        raise InvalidArgument(_WRONG, violations=report.violations())
