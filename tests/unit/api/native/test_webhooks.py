"""Webhooks over the native API: the log of deliveries and the secret are the tenant's own."""

from pathlib import Path

from backburner.house import House
from tests.doubles.scripted_engine import ScriptedEngine
from tests.doubles.small_house import running
from tests.doubles.virtual_time import VirtualClock, run
from tests.unit.api.native.asked import get, post
from tests.unit.work.test_webhooks import ScriptedPost

LINE = {"key": "a", "request": {"contents": [{"parts": [{"text": "hi"}]}]}}


async def keys(house: House) -> list[dict[str, str]]:
    return [
        {"authorization": f"Bearer {(await house.keys.create(tenant, ''))[1]}"} for tenant in ("one", "two")
    ]


def test_deliveries_and_secrets_are_a_tenants_own(tmp_path: Path, clock: VirtualClock) -> None:
    post_ = ScriptedPost(clock, lambda url, nth: (500, 0.1) if nth == 1 else (204, 0.1))

    async def main() -> None:
        async with running(tmp_path, ScriptedEngine(clock), clock, post=post_) as house:
            one, two = await keys(house)
            asked = {"model": "m", "requests": [LINE], "webhook": {"uris": ["https://example.com/x"]}}
            job = (await post(house, "/jobs", asked, headers=one)).json["id"]
            await clock.sleep(3)
            [found] = (await get(house, f"/webhooks/deliveries?job={job}", headers=one)).json["deliveries"]
            assert (found["state"], found["type"], found["url"]) == (
                "waiting",
                "batch.succeeded",
                "https://example.com/x",
            )
            assert [x["status"] for x in found["tries"]] == [500]
            await clock.sleep(30)
            [found] = (await get(house, "/webhooks/deliveries", headers=one)).json["deliveries"]
            assert (found["state"], found["next_try_at"]) == ("taken", None)
            assert (await get(house, "/webhooks/deliveries", headers=two)).json["deliveries"] == []

            secrets = [
                (await get(house, "/webhooks/secret", headers=who)).json["secret"] for who in (one, two)
            ]
            assert len(set(secrets)) == 2
            changed = await post(house, "/webhooks/secret:rotate", headers=one)
            assert changed.json["old_signs_until_at"] is not None
            assert changed.headers["cache-control"] == "no-store"
            assert (await get(house, "/webhooks/secret", headers=one)).json["secret"] == changed.json[
                "secret"
            ]
            assert post_.arrived[0].signed_by(secrets[0]) and not post_.arrived[0].signed_by(secrets[1])

    run(main)
