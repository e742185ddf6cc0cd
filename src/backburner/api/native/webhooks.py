"""Webhooks: what was sent and what became of it, the secret that it is signed with."""

from starlette.responses import Response

from backburner.api.native.call import Call, reply
from backburner.api.native.shapes import instant
from backburner.api.native.webhook_bodies import DeliveryBody, DeliveryListBody, SecretBody, TryBody
from backburner.core.clock import rfc3339
from backburner.core.limits import PAGE_SIZE_DEFAULT, PAGE_SIZE_MAX
from backburner.service.companions import job_of
from backburner.service.webhooks import Secret
from backburner.store.webhooks import Delivery


async def deliveries(call: Call) -> Response:
    size = call.number("page_size", PAGE_SIZE_MAX) or PAGE_SIZE_DEFAULT
    page = await call.services.webhooks.deliveries(
        call.tenant, size, call.text("page_token"), job_of(call.text("job"))
    )
    return reply(DeliveryListBody([delivery_body(one) for one in page.items], page.next_token))


async def secret(call: Call) -> Response:
    return _secret(await call.services.webhooks.secret(call.tenant))


async def rotate(call: Call) -> Response:
    return _secret(await call.services.webhooks.rotate(call.tenant))


def _secret(found: Secret) -> Response:
    response = reply(SecretBody(found.secret, instant(found.old_until_at)))
    response.headers["cache-control"] = "no-store"
    return response


def delivery_body(one: Delivery) -> DeliveryBody:
    return DeliveryBody(
        id=one.id,
        job=one.job,
        type=one.type,
        hook=one.hook,
        url=None if one.hook else one.url,  # the operator's own is no tenant's business
        state="taken" if one.taken else "waiting" if one.due_at is not None else "given_up",
        why=one.why,
        created_at=rfc3339(one.created_at),
        next_try_at=instant(one.due_at),
        tries=[TryBody(rfc3339(x.at), x.status, x.why) for x in one.tries],
    )
