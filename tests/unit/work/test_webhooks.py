"""A receiver that fails, hangs and comes back gets each event at least once, with a valid signature."""

import base64
import hashlib
import hmac
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec
import pytest

from backburner.config import Settings, WebhookSettings
from backburner.core.clock import Clock
from backburner.core.errors import InvalidArgument
from backburner.core.job import JobState, Webhook
from backburner.house import House
from backburner.outbound.webhooks import Posted
from backburner.policy.deliver import LIFE_S
from backburner.store.webhooks import Delivery
from tests.doubles.crash import Crash, Crashed, watched
from tests.doubles.scripted_engine import Play, ScriptedEngine
from tests.doubles.small_house import build, create, ended, numbered, running
from tests.doubles.virtual_time import VirtualClock, run

HOOK = Webhook(("https://receiver.example/hook",), {"ticket": "A-1"})
URL = HOOK.uris[0]
OTHER = "https://other.example/hook"
SECRET = "whsec_" + base64.b64encode(b"0123456789abcdef01234567").decode()


class Arrived(msgspec.Struct):
    at: float
    url: str
    body: bytes
    headers: Mapping[str, str]

    def signed_by(self, secret: str) -> bool:
        signed = f"{self.headers['webhook-id']}.{self.headers['webhook-timestamp']}.".encode() + self.body
        digest = hmac.digest(base64.b64decode(secret.removeprefix("whsec_")), signed, hashlib.sha256)
        return f"v1,{base64.b64encode(digest).decode()}" in self.headers["webhook-signature"].split()


class ScriptedPost:
    """`play(url, nth)` says what the receiver does, and how long it takes."""

    def __init__(self, clock: Clock, play: Callable[[str, int], tuple[int | None, float]]) -> None:
        self._clock = clock
        self._play = play
        self.arrived: list[Arrived] = []

    async def __call__(self, url: str, body: bytes, headers: Mapping[str, str]) -> Posted:
        self.arrived.append(Arrived(self._clock.monotonic(), url, body, headers))
        status, after_s = self._play(url, sum(one.url == url for one in self.arrived))
        await self._clock.sleep(after_s)
        return Posted(status, "" if status else "no answer in time")

    async def close(self) -> None: ...


async def all_done(house: House, clock: Clock, jobs: int = 1) -> list[Delivery]:
    while True:
        found = (await house.webhooks.deliveries("default", None, None)).items
        if len(found) >= jobs and all(one.due_at is None for one in found):
            return found
        await clock.sleep(10)


def test_fails_hangs_and_comes_back(tmp_path: Path, clock: VirtualClock) -> None:
    plays = [(500, 0.1), (None, 15.0), (None, 15.0), (302, 0.1), (204, 0.1)]
    post = ScriptedPost(clock, lambda url, nth: plays[nth - 1])

    async def main() -> None:
        async with running(tmp_path, ScriptedEngine(clock), clock, post=post) as house:
            job = await ended(house, await create(house, numbered(3), webhook=HOOK))
            [done] = await all_done(house, clock)
            secret = (await house.webhooks.secret("default")).secret
            assert (done.taken, len(done.tries)) == (True, 5)
            assert [one.status for one in done.tries] == [500, None, None, 302, 204]
            assert {one.headers["webhook-id"] for one in post.arrived} == {done.id}
            assert all(one.signed_by(secret) for one in post.arrived)
            assert {one.body for one in post.arrived} == {post.arrived[0].body}
            told = msgspec.json.decode(post.arrived[0].body)
            assert (told["type"], told["data"]["id"]) == ("batch.succeeded", f"batches/{job.id}")
            assert told["data"]["user_metadata"] == {"ticket": "A-1"}
            assert (await house.webhooks.deliveries("other", None, None)).items == []

    run(main)


def test_results_can_be_read_when_the_event_comes(tmp_path: Path, clock: VirtualClock) -> None:
    houses: list[House] = []
    published: list[bool] = []

    def play(url: str, nth: int) -> tuple[int | None, float]:
        job = next(iter(houses[0].stores.jobs.ids()))
        published.append(houses[0].stores.jobs.get("default", job).results_blob is not None)
        return 200, 0.0

    async def main() -> None:
        engine = ScriptedEngine(clock, lambda text, nth: Play(5.0))
        async with running(tmp_path, engine, clock, post=ScriptedPost(clock, play)) as house:
            houses.append(house)
            job = await create(house, numbered(9), webhook=HOOK)
            await clock.sleep(7)
            await house.jobs.cancel("default", job.id)
            [done] = await all_done(house, clock)
            assert (done.type, published) == ("batch.cancelled", [True])

    run(main)


def test_a_receiver_that_hangs_holds_up_nobody_else(tmp_path: Path, clock: VirtualClock) -> None:
    post = ScriptedPost(clock, lambda url, nth: (None, 15.0) if url == URL else (204, 0.1))

    async def main() -> None:
        async with running(tmp_path, ScriptedEngine(clock), clock, post=post) as house:
            for _ in range(40):
                await create(house, numbered(1), webhook=HOOK)
            await clock.sleep(5)
            begun = clock.monotonic()
            await ended(house, await create(house, numbered(1), webhook=Webhook((OTHER,))))
            while not any(one.url == OTHER for one in post.arrived):
                await clock.sleep(0.1)
            assert clock.monotonic() - begun < 3

    run(main)


def test_given_up_after_a_day_and_the_log_says_so(tmp_path: Path, clock: VirtualClock) -> None:
    post = ScriptedPost(clock, lambda url, nth: (500, 0.1))

    async def main() -> None:
        async with running(tmp_path, ScriptedEngine(clock), clock, post=post) as house:
            await ended(house, await create(house, numbered(1), webhook=HOOK))
            await clock.sleep(60)
            assert len(post.arrived) == 3
            clock.skew_s = LIFE_S
            [done] = await all_done(house, clock)
            assert (done.taken, done.why) == (False, "the receiver did not take it within 24 hours")
            assert [one.status for one in done.tries] == [500] * 4

    run(main)


def test_killed_at_any_moment_the_event_still_comes(tmp_path: Path) -> None:
    moments = one_life(tmp_path / "whole", None)
    assert moments > 100
    for nth, moment in enumerate(range(0, moments, 3)):
        one_life(tmp_path / f"life{nth}", moment)


def one_life(tmp_path: Path, moment: int | None) -> int:
    """Kills the service at a moment after a job was accepted, if there is one, starts it again, and looks whether its
    event has come. How many moments there were."""
    engine = ScriptedEngine(VirtualClock())
    post = ScriptedPost(VirtualClock(), lambda url, nth: (204, 0.1))
    folder = tmp_path / "data0"
    houses, jobs = list[House](), list[str]()
    moments = 0
    crash = Crash(folder, tmp_path / "data1", None, engine.unplug)
    tmp_path.mkdir()

    async def life() -> None:
        house = build(folder, engine, post=post)
        houses.append(house)
        await house.start()
        jobs.append((await create(house, numbered(1), webhook=HOOK)).id)
        await all_done(house, house.clock)
        await house.stop()

    def on_step() -> None:
        nonlocal moments
        crash.on_step()
        moments += bool(jobs)
        if moments and moments == moment:
            crash.strike()

    with watched(crash):
        try:
            run(life, on_step=on_step)
        except Crashed:
            engine.plug_in()
            houses[0].stores.close()

    async def check() -> None:
        async with running(crash.left if crash.happened else folder, engine, post=post) as house:
            [done] = await all_done(house, house.clock)
            assert done.taken

    run(check)
    assert {msgspec.json.decode(one.body)["data"]["id"] for one in post.arrived} == {f"batches/{jobs[0]}"}
    return moments


def test_webhooks_of_the_settings_and_secrets_that_change(tmp_path: Path, clock: VirtualClock) -> None:
    hooks = {"ops": {"url": OTHER, "events": ["failed"], "secret": SECRET}}
    post = ScriptedPost(clock, lambda url, nth: (204, 0.1))

    async def main() -> None:
        webhooks = {name: msgspec.convert(one, WebhookSettings) for name, one in hooks.items()}
        settings = Settings(data=str(tmp_path), engine="simulated", webhooks=webhooks)
        async with running(tmp_path, ScriptedEngine(clock), clock, post=post, settings=settings) as house:
            before = (await house.webhooks.secret("default")).secret
            after = await house.webhooks.rotate("default")
            await ended(house, await create(house, numbered(1), webhook=HOOK))
            bad = await ended(house, await create(house, [b"k|!!"], webhook=HOOK, check_first=False))
            assert bad.state is JobState.FAILED
            await all_done(house, clock, 3)
            assert [one.url for one in post.arrived].count(OTHER) == 1
            for one in post.arrived:
                assert one.signed_by(before) is one.signed_by(after.secret) is (one.url == URL)
                assert one.signed_by(SECRET) is (one.url == OTHER)
            assert after.old_until_at is not None
            clock.skew_s = after.old_until_at - clock.now() + 1
            await ended(house, await create(house, numbered(1), webhook=HOOK))
            await all_done(house, clock, 4)
            assert not post.arrived[-1].signed_by(before) and post.arrived[-1].signed_by(after.secret)

    run(main)


def test_a_private_receiver_is_refused_at_creation_in_words(tmp_path: Path, clock: VirtualClock) -> None:
    async def main() -> None:
        async with running(tmp_path, ScriptedEngine(clock), clock) as house:
            uris = ("https://receiver.example/", "https://169.254.169.254/", "http://receiver.example/")
            with pytest.raises(InvalidArgument) as refused:
                await create(house, numbered(1), webhook=Webhook(uris))
            assert [(x.path, x.reason.split(". ")[0]) for x in refused.value.violations] == [
                ("webhook.uris[1]", "169.254.169.254 leads to an address that is not public"),
                (
                    "webhook.uris[2]",
                    "expected an https URL; plain http is for networks that webhook_networks opens",
                ),
            ]
            assert house.stores.jobs.ids() == set()

    run(main)
