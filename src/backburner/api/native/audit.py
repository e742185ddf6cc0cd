"""The audit log of the caller's own tenant."""

import msgspec
from starlette.responses import Response

from backburner.api.native.call import Call, reply, wrong
from backburner.core.clock import rfc3339
from backburner.core.limits import PAGE_SIZE_DEFAULT, PAGE_SIZE_MAX


class AuditLineBody(msgspec.Struct, frozen=True, kw_only=True):
    """Who did what. `key` is the id of the API key, empty without one; `outcome` is done, or refused:STATUS."""

    at: str
    key: str
    door: str
    action: str
    object: str
    outcome: str


class AuditListBody(msgspec.Struct, frozen=True):
    """Newest first. `next_page_token` is empty on the last page."""

    lines: list[AuditLineBody]
    next_page_token: str


async def lines(call: Call) -> Response:
    size = call.number("page_size", PAGE_SIZE_MAX) or PAGE_SIZE_DEFAULT
    token = call.text("page_token")
    if token and not (token.isascii() and token.isdigit() and len(token) < 19):
        raise wrong("page_token", "expected the next_page_token of an earlier answer")
    found = await call.services.audit.page(
        call.tenant, size + 1, int(token) if token else None, call.text("action")
    )
    more = str(found[size - 1].id) if len(found) > size else ""
    shown = [
        AuditLineBody(
            at=rfc3339(x.at), key=x.key, door=x.door, action=x.action, object=x.object, outcome=x.outcome
        )
        for x in found[:size]
    ]
    return reply(AuditListBody(shown, more))
