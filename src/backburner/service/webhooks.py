"""Webhooks as a tenant sees them: what was sent and what became of it, and the secret that it is signed with."""

import msgspec

from backburner.core.clock import Clock
from backburner.core.lanes import Lanes
from backburner.core.limits import PAGE_SIZE_DEFAULT, PAGE_SIZE_MAX
from backburner.outbound.standard_webhooks import new_secret
from backburner.service import paging
from backburner.store.stores import Stores
from backburner.store.webhooks import Delivery

OLD_SIGNS_S = 24 * 3600.0  # a secret that was replaced, so that receivers can be changed one by one


class Secret(msgspec.Struct, frozen=True):
    """`old_until_at` is when the one before stops to sign, None where there is none."""

    secret: str
    old_until_at: float | None = None


class WebhookService:
    def __init__(self, clock: Clock, stores: Stores, lanes: Lanes) -> None:
        self._clock = clock
        self._stores = stores
        self._lanes = lanes

    async def secret(self, tenant: str) -> Secret:
        """The tenant's; made when it is first asked for, or first needed."""
        first = self._stores.webhooks.first_secret
        return Secret((await self._lanes.write.run(first, tenant, new_secret(), self._clock.now()))[0])

    async def rotate(self, tenant: str) -> Secret:
        """A new one. The one before signs beside it for a day."""
        now = self._clock.now()
        before = await self._lanes.read.run(self._stores.webhooks.secrets, tenant, now)
        secret, until_at = new_secret(), now + OLD_SIGNS_S
        await self._lanes.write.run(self._stores.webhooks.add_secret, tenant, secret, now, until_at)
        return Secret(secret, until_at if before else None)

    async def deliveries(
        self, tenant: str, page_size: int | None, page_token: str | None, job: str = ""
    ) -> paging.Page[Delivery]:
        """Newest first; of one job, when it is given."""
        count = paging.size(page_size, PAGE_SIZE_DEFAULT, PAGE_SIZE_MAX)
        return await self._lanes.read.run(
            paging.page,
            lambda limit, before: self._stores.webhooks.page(tenant, limit, before, job),
            count,
            page_token,
        )
