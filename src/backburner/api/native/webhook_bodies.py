"""What the native API answers about webhooks."""

import msgspec


class TryBody(msgspec.Struct, frozen=True):
    """One try of a delivery. `status` is that of the answer, null without one; `why` there was none."""

    at: str
    status: int | None
    why: str


class DeliveryBody(msgspec.Struct, frozen=True, kw_only=True):
    """One event for one URL. `id` is its webhook-id. `state` is waiting, taken or given_up, `why` it was. `hook` is the
    name of a webhook of the settings, empty for one that the job brought; `url` is null for the former."""

    id: str
    job: str
    type: str
    hook: str
    url: str | None
    state: str
    why: str
    created_at: str
    next_try_at: str | None
    tries: list[TryBody]


class DeliveryListBody(msgspec.Struct, frozen=True):
    """Newest first. `next_page_token` is empty on the last page."""

    deliveries: list[DeliveryBody]
    next_page_token: str


class SecretBody(msgspec.Struct, frozen=True):
    """What the tenant's events are signed with. After a change the one before signs beside it for a day."""

    secret: str
    old_signs_until_at: str | None
