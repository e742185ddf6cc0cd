"""What the commands of `backburner webhooks` ask a server. Each function makes its own connection."""

from backburner.api.native.webhook_bodies import DeliveryBody, DeliveryListBody, SecretBody
from backburner.cli.client import Api
from backburner.cli.jobs_asked import resolved
from backburner.cli.place import Place
from backburner.core.clock import SystemClock


async def listed(place: Place, job: str, limit: int) -> list[DeliveryBody]:
    async with Api(place, SystemClock()) as api:
        id_ = await resolved(api, job) if job else ""
        query = {"job": id_, "page_size": limit}
        return (await api.call("GET", "/webhooks/deliveries", DeliveryListBody, query)).deliveries


async def secret(place: Place, method: str, path: str) -> SecretBody:
    async with Api(place, SystemClock()) as api:
        return await api.call(method, path, SecretBody)
