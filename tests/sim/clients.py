"""What clients do: scripts that ask, lose replies, ask again, wait, cancel, approve, delete and read results."""

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.sim.doors import DOORS, Item, Refusal, fine
from tests.sim.scenario import CallPlan, JobPlan
from tests.sim.wire import CutOff, Reply

if TYPE_CHECKING:
    from tests.sim.world import World

PAUSE_S = 0.4
AGAIN = (429, 500, 502, 503, 504)


@dataclass(eq=False)
class Story:
    """What a client knows of its job: all of it told in replies. Instants are seconds of the run."""

    plan: JobPlan
    id: str = ""
    ids: set[str] = field(default_factory=set)
    cancel_asked: bool = False
    cancelled_at: float | None = None
    delete_asked: bool = False
    deleted_at: float | None = None
    ended_at: float | None = None
    state: str = ""
    scanned: bool = True
    items: list[Item] | None = None


class Client:
    def __init__(self, world: "World", tenant: str) -> None:
        self._world = world
        self._tenant = tenant
        self._chance = random.Random(f"client {world.scenario.seed} {tenant}")
        self.cut_offs = 0

    async def once(
        self,
        method: str,
        target: str,
        headers: dict[str, str] | None = None,
        body: bytes = b"",
        turns: int | None = None,
    ) -> Reply:
        """Raises CutOff."""
        wire = self._world.service.wire
        if wire is None:
            raise CutOff
        key = {"x-goog-api-key": self._world.keys[self._tenant]}
        reply = await wire.call(method, target, {**key, **(headers or {})}, body, turns=turns)
        self._world.trace("http", method, target, reply.status)
        return reply

    async def send(
        self, method: str, target: str, headers: dict[str, str] | None = None, body: bytes = b""
    ) -> Reply:
        """Asks until there is a reply that says something: what a careful client does."""
        while True:
            try:
                reply = await self.once(method, target, headers, body)
                if reply.status not in AGAIN:
                    return reply
                if reply.status == 500:
                    self._world.complain("no_bug_shows", f"{method} {target}: {reply.body[:300]!r}")
            except CutOff:
                self.cut_offs += 1
            await asyncio.sleep(PAUSE_S * self._chance.uniform(0.5, 1.5))


async def job(world: "World", story: Story) -> None:
    plan, door = story.plan, DOORS[story.plan.door]
    client = Client(world, plan.tenant)
    await asyncio.sleep(plan.at_s)
    uploaded = await door.upload(client.send, plan) if plan.from_file or plan.door == "openai" else ""
    key = f"key of {plan.name}"
    for turns in plan.hang_ups:
        try:
            await door.create(_hasty(client, turns), plan, uploaded, key)
        except CutOff:
            await asyncio.sleep(PAUSE_S)
    story.id = await door.create(client.send, plan, uploaded, key)
    story.ids.add(story.id)
    world.acknowledged(story)
    if plan.repeats_create:
        story.ids.add(await door.create(client.send, plan, uploaded, key))
    beside = [asyncio.ensure_future(step) for step in _beside(client, story, world)]
    while True:
        try:
            if await door.ended(client.send, story.id):
                break
        except Refusal as refused:
            if refused.status == 404 and story.delete_asked:
                break
            raise
        await asyncio.sleep(plan.poll_s)
    for step in beside:
        await step
    await _read(world, client, story)


def _hasty(client: Client, turns: int) -> Callable[..., object]:
    async def send(
        method: str, target: str, headers: dict[str, str] | None = None, body: bytes = b""
    ) -> Reply:
        return await client.once(method, target, headers, body, turns)

    return send


def _beside(client: Client, story: Story, world: "World") -> list:
    plan = story.plan
    steps = []
    if plan.hold:
        steps.append(_approve(client, story))
    if plan.cancel_after_s is not None:
        steps.append(_cancel(client, story, world))
    if plan.delete_after_s is not None:
        steps.append(_delete(client, story, world, plan.delete_after_s))
    return steps


async def _approve(client: Client, story: Story) -> None:
    if story.plan.door == "openai":
        await client.send("POST", f"/api/v1/jobs/{story.id}:hold")
    await asyncio.sleep(story.plan.approve_after_s)
    await client.send("POST", f"/api/v1/jobs/{story.id}:approve")


async def _cancel(client: Client, story: Story, world: "World") -> None:
    await asyncio.sleep(story.plan.cancel_after_s or 0.0)
    story.cancel_asked = True
    await DOORS[story.plan.door].cancel(client.send, story.id)
    story.cancelled_at = world.now


async def _delete(client: Client, story: Story, world: "World", after_s: float) -> None:
    await asyncio.sleep(after_s)
    story.delete_asked = True
    reply = await client.send("DELETE", f"/api/v1/jobs/{story.id}")
    if reply.status not in (200, 404):  # 404: the reply before got lost
        raise Refusal(reply)
    story.deleted_at = world.now


async def _read(world: "World", client: Client, story: Story) -> None:
    """The end of a job, seen by its client."""
    story.ended_at = world.now
    if story.delete_asked:
        return
    told = fine(await client.send("GET", f"/api/v1/jobs/{story.id}")).json()
    story.state, story.scanned = told["state"], told["scanned"]
    story.items = await DOORS[story.plan.door].results(client.send, story.id)
    world.finished(story)
    if story.plan.delete_at_end:
        await _delete(client, story, world, 0.0)


async def call(world: "World", plan: CallPlan) -> None:
    """A person asks once, and gets the echo, or is told no."""
    await asyncio.sleep(plan.at_s)
    client = Client(world, plan.tenant)
    try:
        said = await DOORS[plan.door].call(client.once, plan)
    except (CutOff, Refusal):
        return
    if said not in (plan.text, ""):
        world.complain("calls_are_answered", f"{plan.text!r} was answered by {said!r}")
