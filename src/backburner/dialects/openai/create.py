"""The body that creates a batch (contract 5.3)."""

import re
from collections.abc import Mapping

import msgspec

from backburner.core.errors import InvalidArgument
from backburner.core.exchange import Json
from backburner.core.job import JobKind
from backburner.core.limits import DISPLAY_NAME_CHARS
from backburner.dialects.openai.checks import Check, integer, members, required, text, whole
from backburner.dialects.openai.endpoints import KINDS, endpoint_of
from backburner.dialects.openai.names import file_of
from backburner.dialects.openai.parameters import nearest
from backburner.dialects.report import Place, Report, quoted, shown
from backburner.dialects.strict_json import JsonError, decode_strict

_PIECE = re.compile(r"(\d+(?:\.\d+)?)(s|m|h|d|w)")
_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_LONGEST_S = 366 * 86400.0
RETENTION_S = (3600, 2_592_000)
METADATA_PAIRS, METADATA_KEY_CHARS, METADATA_VALUE_CHARS = 16, 64, 512
_TITLES = ("display_name", "name", "title", "description")


class CreateBody(msgspec.Struct, frozen=True):
    """`extras` is what the job tells back as it was said."""

    file_id: str
    kind: JobKind
    window_s: float
    retention_s: float | None
    display_name: str
    priority: int
    extras: dict[str, Json]


def window_of(written: str) -> float | None:
    """Seconds in `24h`, `30m`, `7d`, `1h30m`; None for what is no duration of a sensible length."""
    pieces = _PIECE.findall(written)
    if not pieces or "".join(number + unit for number, unit in pieces) != written:
        return None
    found = sum(float(number) * _UNITS[unit] for number, unit in pieces)
    return found if 0 < found <= _LONGEST_S else None


def _window(value: Json, place: Place, report: Report) -> None:
    if not isinstance(value, str) or window_of(value) is None:
        report.wrong(place, f"expected a duration, found {shown(value)}", "Write 24h, or 30m, or 7d")


def _endpoint(value: Json, place: Place, report: Report) -> None:
    if not isinstance(value, str) or endpoint_of(value) is None:
        report.wrong(
            place, f"expected one of {', '.join(KINDS)}, found {shown(value)}", "", "invalid_endpoint"
        )


def _metadata(value: Json, place: Place, report: Report) -> None:
    if not isinstance(value, dict):
        report.wrong(place, f"expected an object of strings, found {shown(value)}")
        return
    if len(value) > METADATA_PAIRS:
        report.wrong(place, f"expected at most {METADATA_PAIRS} pairs, found {len(value)}")
    for name, item in value.items():
        if len(name) > METADATA_KEY_CHARS:
            words = f"expected names of at most {METADATA_KEY_CHARS} characters, found {len(name)}"
            report.wrong((place, name), words)
        if not isinstance(item, str):
            report.wrong((place, name), f"expected a string, found {shown(item)}")
        elif len(item) > METADATA_VALUE_CHARS:
            words = f"expected at most {METADATA_VALUE_CHARS} characters, found {len(item)}"
            report.wrong((place, name), words)


def check_expiry(value: Json, place: Place, report: Report) -> None:
    """`{"anchor": "created_at", "seconds": n}` of a file."""
    members(value, place, report, {"seconds": whole(*RETENTION_S)})
    if not isinstance(value, dict):
        return
    required(value, "seconds", place, report)
    if value.get("anchor") != "created_at":
        words = f"expected created_at, found {shown(value.get('anchor'))}"
        report.wrong((place, "anchor"), words)


_PARAMETERS: Mapping[str, Check] = {
    "input_file_id": text,
    "endpoint": _endpoint,
    "completion_window": _window,
    "metadata": _metadata,
    "output_expires_after": check_expiry,
    "priority": integer,
}


def json_object(raw: bytes) -> dict[str, Json]:
    """Raises InvalidArgument."""
    try:
        value = decode_strict(raw)
    except JsonError as error:
        tail = f". {error.instead}" if error.instead else ""
        raise InvalidArgument(f"the request body is {error.sentence()}{tail}") from None
    if not isinstance(value, dict):
        raise InvalidArgument(f"the request body must be a JSON object, found {shown(value)}")
    return value


def create_body(raw: bytes) -> CreateBody:
    """Raises InvalidArgument with everything that is wrong."""
    body = json_object(raw)
    report = Report()
    for name in ("input_file_id", "endpoint", "completion_window"):
        required(body, name, None, report)
    members(body, None, report, _PARAMETERS)
    for name in body.keys() - _PARAMETERS.keys():
        near = nearest(name, _PARAMETERS)
        instead = f"Did you mean {near}?" if near else ""
        report.wrong((None, name), f"unknown parameter {quoted(name)}", instead, "unknown_parameter")
    if not report.clean:
        raise InvalidArgument("this batch cannot be created", violations=report.violations())
    endpoint = endpoint_of(body["endpoint"]) or ""
    window = body["completion_window"]
    metadata, expiry = body.get("metadata"), body.get("output_expires_after")
    extras: dict[str, Json] = {
        "endpoint": endpoint,
        "completion_window": window,
        "input_file_id": body["input_file_id"],
    }
    extras |= {"metadata": metadata} if metadata else {}
    extras |= {"output_expires_after": expiry} if expiry else {}
    return CreateBody(
        file_of(body["input_file_id"]),
        KINDS[endpoint],
        window_of(window) or 0.0,
        float(expiry["seconds"]) if expiry else None,
        _title(metadata or {}),
        body.get("priority") or 0,
        extras,
    )


def _title(metadata: dict[str, str]) -> str:
    """What the job is called where jobs have names: the console, the Gemini API."""
    found = next((metadata[name] for name in _TITLES if metadata.get(name)), "")
    return found[:DISPLAY_NAME_CHARS]
