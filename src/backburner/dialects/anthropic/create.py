"""The body of a batch creation: `{"requests": [{"custom_id", "params"}, ...]}`.

Requests are never decoded here: they are cut out of the body as raw bytes and become the lines of an input like
any other. Only the first one that names a model is looked into, because that is the batch's.
"""

from collections.abc import Iterator
from typing import NoReturn

import msgspec

from backburner.core.errors import InvalidArgument, TooLarge, Violation
from backburner.dialects.report import quoted, shown
from backburner.dialects.strict_json import JsonError, decode_strict, explained

_SKELETON = 'Write {"requests": [{"custom_id": "...", "params": {"model": ..., "max_tokens": ..., "messages": [...]}}]}'
_members = msgspec.json.Decoder(dict[str, msgspec.Raw])
_items = msgspec.json.Decoder(list[msgspec.Raw])


class _Params(msgspec.Struct):
    model: str


class _Item(msgspec.Struct):
    params: _Params


_item = msgspec.json.Decoder(_Item)


class CreateBody(msgspec.Struct, frozen=True):
    """A creation; `model` is the one that its first request names."""

    model: str
    items: list[msgspec.Raw]

    def lines(self) -> Iterator[bytes]:
        """The requests as input lines, without line breaks."""
        for item in self.items:
            yield msgspec.json.format(bytes(item), indent=-1)


def create_body(body: bytes | bytearray, most_requests: int) -> CreateBody:
    """Raises InvalidArgument, or TooLarge for more requests than allowed (0: as many as come)."""
    try:
        top = _members.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        _refuse("", _no_object(bytes(body), error))
    for name in top.keys() - {"requests"}:
        _refuse(name, f"stands beside requests, where a batch has nothing; found {quoted(name)}")
    if "requests" not in top:
        _refuse("requests", "is missing")
    try:
        items = _items.decode(top["requests"])
    except (msgspec.DecodeError, UnicodeDecodeError):
        _refuse("requests", f"expected a list of requests, found {_shown(top['requests'])}")
    if not items:
        _refuse("requests", "expected at least one request, found an empty list")
    if most_requests and len(items) > most_requests:
        raise TooLarge(
            f"requests: a batch may have up to {most_requests:,} requests, this one has {len(items):,}. "
            "Make several batches, or raise anthropic_batch_requests_max in the server's config"
        )
    return CreateBody(_model(items), items)


def _model(items: list[msgspec.Raw]) -> str:
    for item in items:
        try:
            model = _item.decode(item).params.model
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            continue  # wrong in some way, which the check of the lines finds
        if model:
            return model
    return _refuse("requests[0].params.model", "is missing, as in every other request")


def _no_object(body: bytes, error: Exception) -> str:
    try:
        return f"expected an object, found {shown(decode_strict(body))}"
    except JsonError as wrong:
        return wrong.sentence()
    except RecursionError:
        return explained(body, error).sentence()


def _shown(raw: msgspec.Raw) -> str:
    try:
        return shown(decode_strict(raw))
    except JsonError as error:
        return error.sentence()


def _refuse(path: str, reason: str) -> NoReturn:
    raise InvalidArgument("the batch cannot be created", violations=[Violation(path, reason, _SKELETON)])
