"""The body of a batch creation, generate and embed (contract 1.2), and the mistakes people make with it.

Requests are never decoded here: they are cut out of the body as raw bytes and become the lines of an input
like any other. Wrong bodies are answered with the corrected one.
"""

from collections.abc import Iterator
from typing import NoReturn

import msgspec

from backburner.core.errors import InvalidArgument, Violation
from backburner.core.exchange import Json
from backburner.core.job import JobKind, OnInvalid, Webhook
from backburner.core.names import file_id_of
from backburner.dialects.gemini.fields import ANY, OBJECT, STRING, STRINGS, Message, enum, integer, message
from backburner.dialects.gemini.lenient_json import decode
from backburner.dialects.gemini.rules import bare_model
from backburner.dialects.gemini.walk import REFUSED, read_field, unknown
from backburner.dialects.report import Place, Report, shown
from backburner.dialects.strict_json import JsonError

INT64 = 2**63
_BATCH = message(
    "batch",
    {
        "displayName": STRING,
        "model": STRING,
        "priority": integer(-INT64, INT64 - 1),
        "inputConfig": ANY,
        "webhookConfig": ANY,
        "after": STRINGS,
        "onInvalid": enum(*(choice.value for choice in OnInvalid), lower=True),
        # what the server says of a batch; sent back by some clients, and of no effect
        "name": STRING,
        "state": ANY,
        "output": ANY,
        "batchStats": ANY,
        "createTime": ANY,
        "updateTime": ANY,
        "endTime": ANY,
    },
)
_WEBHOOK = message("webhookConfig", {"uris": STRINGS, "userMetadata": OBJECT})
_INPUT = message("inputConfig", {"fileName": STRING, "requests": ANY})
_REQUESTS = message("requests", {"requests": ANY})
_SKELETON = '{"batch": {"displayName": "...", "inputConfig": {%s}}}'
_FILE = '"fileName": "files/..."'
_LIST = '"requests": {"requests": [{"request": {...}, "metadata": {"key": "..."}}]}'
_members = msgspec.json.Decoder(dict[str, msgspec.Raw])
_items = msgspec.json.Decoder(list[msgspec.Raw])
_LEFT_RAW = ("inputConfig", "output", "webhookConfig")  # as large as the batch itself, or read apart


class CreateBody(msgspec.Struct, frozen=True, kw_only=True):
    """A creation: `file_id` or `items`, never both. `model` is the path's, without `models/`."""

    kind: JobKind
    model: str
    display_name: str = ""
    priority: int = 0
    on_invalid: OnInvalid = OnInvalid.FAIL
    file_id: str | None = None
    items: list[msgspec.Raw] | None = None
    webhook: Webhook | None = None
    after: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    def lines(self) -> Iterator[bytes]:
        """The inline requests as input lines, without line breaks."""
        for item in self.items or ():
            yield msgspec.json.format(bytes(item), indent=-1)


def create_body(body: bytes, kind: JobKind, model: str) -> CreateBody:
    """Raises InvalidArgument with every violation found."""
    report = Report()
    top = _opened(body)
    if "batch" not in top:
        _no_batch(top)
    for name in top.keys() - {"batch"}:
        report.wrong((None, name), "unknown field beside batch", "Move it into batch, or leave it out")
    place: Place = (None, "batch")
    batch = _read(_BATCH, top["batch"], place, report)
    values = {name: _decoded(raw) for name, (raw, _) in batch.items() if name not in _LEFT_RAW}
    read = {
        name: read_field(_BATCH.fields[name], value, (place, batch[name][1]), report)
        for name, value in values.items()
    }
    checked = {name: value for name, value in read.items() if value is not REFUSED}
    _same_model(checked, model, place, report)
    webhook = _webhook(batch.get("webhookConfig"), place, report)
    file, items = _input(batch.get("inputConfig"), place, report)
    if not report.clean:
        _refuse(report)
    return CreateBody(
        kind=kind,
        model=bare_model(model),
        display_name=checked.get("displayName", ""),
        priority=checked.get("priority", 0),
        on_invalid=OnInvalid(checked.get("onInvalid", OnInvalid.FAIL)),
        file_id=file,
        items=items,
        webhook=webhook,
        after=tuple(checked.get("after", ())),
        warnings=tuple(report.warnings),
    )


def _opened(body: bytes) -> dict[str, msgspec.Raw]:
    """The members of the body. What is not strict JSON is read leniently and written again."""
    try:
        return _members.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass
    try:
        value = decode(body)
    except JsonError as error:
        _refuse_one("", error.sentence(), error.instead or f"Write {_SKELETON % _FILE}")
    if not isinstance(value, dict):
        _refuse_one("", f"expected an object, found {shown(value)}", f"Write {_SKELETON % _LIST}")
    return _members.decode(msgspec.json.encode(value))


def _read(
    fields: Message, raw: msgspec.Raw, place: Place, report: Report
) -> dict[str, tuple[msgspec.Raw, str]]:
    """Members by canonical name, each with the caller's spelling; null counts as absent."""
    try:
        members = _members.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError):
        report.wrong(place, f"expected an object, found {shown(_decoded(raw))}")
        return {}
    out: dict[str, tuple[msgspec.Raw, str]] = {}
    for name, member in members.items():
        found = fields.lookup.get(name)
        if found is None:
            if fields is not _REQUESTS or name not in ("fileName", "file_name"):
                unknown(fields, name, None, place, report)
            continue
        if found[0] in out:
            report.wrong((place, name), f"{found[0]} is given twice, in two spellings", "Keep one of them")
        elif bytes(member) != b"null":
            out[found[0]] = (member, name)
    return out


def _decoded(raw: msgspec.Raw) -> Json:
    try:
        return msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        _refuse_one("", f"not valid JSON: {error}", "")


def _same_model(checked: dict[str, Json], model: str, place: Place, report: Report) -> None:
    named = checked.get("model")
    if named and bare_model(named) != bare_model(model):
        report.wrong(
            (place, "model"),
            f'the body names "{named}", the path names "{model}"',
            "Leave model out of the body; the path decides",
        )


def _webhook(found: tuple[msgspec.Raw, str] | None, batch: Place, report: Report) -> Webhook | None:
    if found is None:
        return None
    raw, spelling = found
    place: Place = (batch, spelling)
    values: dict[str, Json] = {}
    for name, (member, written) in _read(_WEBHOOK, raw, place, report).items():
        values[name] = read_field(_WEBHOOK.fields[name], _decoded(member), (place, written), report)
    if not report.clean or not values.get("uris"):
        return None
    return Webhook(tuple(dict.fromkeys(values["uris"])), values.get("userMetadata") or {})


def _input(
    found: tuple[msgspec.Raw, str] | None, batch: Place, report: Report
) -> tuple[str | None, list[msgspec.Raw] | None]:
    if found is None:
        if report.clean:
            report.wrong(
                (batch, "inputConfig"),
                "expected fileName or requests, found none",
                f"Write {_SKELETON % _FILE} or {_SKELETON % _LIST}",
            )
        return None, None
    raw, spelling = found
    place: Place = (batch, spelling)
    before = report.clean
    config = _read(_INPUT, raw, place, report)
    items, nested = _requests(config.get("requests"), place, report)
    named = config.get("fileName")
    if nested is not None and named is None:
        report.warn(
            "inputConfig.requests.fileName was read as inputConfig.fileName, where it belongs: "
            + _SKELETON % _FILE
        )
        named = nested
    if named is not None and items is not None:
        report.wrong(place, "fileName and requests are both given", "Keep one of them")
    elif named is None and items is None and before and report.clean:
        report.wrong(
            place,
            "expected fileName or requests, found none",
            f"Write {_SKELETON % _FILE} or {_SKELETON % _LIST}",
        )
    return (_file(named, place, report) if named else None), items


def _file(named: tuple[msgspec.Raw, str], place: Place, report: Report) -> str | None:
    raw, spelling = named
    value = _decoded(raw)
    file = file_id_of(value) if isinstance(value, str) else None
    if file is None:
        report.wrong(
            (place, spelling),
            f"expected the name or URI of a file of this server, found {shown(value)}",
            f"Write {_FILE}",
        )
    return file


def _requests(
    found: tuple[msgspec.Raw, str] | None, place: Place, report: Report
) -> tuple[list[msgspec.Raw] | None, tuple[msgspec.Raw, str] | None]:
    """The inline requests, and a file name wrongly nested beside them (an old sample of the docs had it so)."""
    if found is None:
        return None, None
    raw, spelling = found
    here: Place = (place, spelling)
    if bytes(raw).lstrip().startswith(b"["):
        report.warn("inputConfig.requests was read as inputConfig.requests.requests: " + _SKELETON % _LIST)
        return _list(raw, here, report), None
    members = _read(_REQUESTS, raw, here, report)
    nested = _nested_file(raw)
    if "requests" in members:
        return _list(members["requests"][0], (here, members["requests"][1]), report), nested
    if nested is None and report.clean:
        report.wrong((here, "requests"), "expected a list of requests, found none", f"Write {{{_LIST}}}")
    return None, nested


def _nested_file(raw: msgspec.Raw) -> tuple[msgspec.Raw, str] | None:
    try:
        members = _members.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return next(((members[name], name) for name in ("fileName", "file_name") if name in members), None)


def _list(raw: msgspec.Raw, place: Place, report: Report) -> list[msgspec.Raw] | None:
    try:
        items = _items.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError):
        report.wrong(
            place, f"expected a list of requests, found {shown(_decoded(raw))}", f"Write {{{_LIST}}}"
        )
        return None
    if not items:
        report.wrong(place, "expected at least one request, found an empty list")
    return items


def _no_batch(top: dict[str, msgspec.Raw]) -> NoReturn:
    """Everything else than `{"batch": ...}`, answered with the body that was probably meant."""
    values = {name: top[name] for name in top}
    file = next((values[name] for name in ("src", "fileName", "file_name") if name in values), None)
    if any(name in _BATCH.lookup for name in top):
        _refuse_one(
            "batch", "expected the batch inside batch, found its fields at the top", f"Write {_wrapped(top)}"
        )
    if file is not None and bytes(file).startswith((b'"files/', b'"http')):
        words = _SKELETON % f'"fileName": {bytes(file).decode("utf-8", "replace")}'
        _refuse_one("batch", f"expected batch, found {', '.join(top)}", f"Write {words}")
    found = ", ".join(top) if top else "an empty object"
    _refuse_one("batch", f"expected batch, found {found[:200]}", f"Write {_SKELETON % _LIST}")


def _wrapped(top: dict[str, msgspec.Raw]) -> str:
    """The caller's own body inside batch, long members cut."""
    members = [
        f'"{name}": {text if len(text) <= 300 else "..."}'
        for name, text in ((name, bytes(raw).decode("utf-8", "replace")) for name, raw in top.items())
    ]
    return f'{{"batch": {{{", ".join(members)}}}}}'


def _refuse(report: Report) -> NoReturn:
    raise InvalidArgument("the batch cannot be created", violations=report.violations())


def _refuse_one(path: str, reason: str, instead: str) -> NoReturn:
    raise InvalidArgument("the batch cannot be created", violations=[Violation(path, reason, instead)])
