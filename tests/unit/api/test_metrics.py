"""`/metrics` is what a real Prometheus parser takes, tells what happened, and is not for every eye; `/readyz`."""

import errno
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from backburner.config import Settings
from backburner.core.exchange import TroubleKind
from backburner.core.job import Webhook
from backburner.core.metrics import FAMILIES
from backburner.service import health
from tests.doubles.scripted_engine import Play, ScriptedEngine, trouble
from tests.doubles.small_house import create, ended, numbered, running
from tests.doubles.virtual_time import VirtualClock, run
from tests.unit.api.native.asked import ask, get
from tests.unit.work.test_webhooks import ScriptedPost

Values = dict[tuple[str, frozenset[tuple[str, str]]], float]


def parsed(body: bytes) -> Values:
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(body.decode())
        for sample in family.samples
    }


def value(found: Values, name: str, **labels: str) -> float:
    return found[name, frozenset(labels.items())]


def test_what_happened_is_counted_and_a_real_parser_reads_it(tmp_path: Path, clock: VirtualClock) -> None:
    def play(text: str, nth: int) -> Play:
        if text == "text 3":
            return Play(0.3, trouble(TroubleKind.REQUEST, 'no "quotes"\nhere'))
        if text == "text 4" and nth == 1:
            return Play(0.3, trouble(TroubleKind.TRANSIENT))
        return Play(0.3)

    post = ScriptedPost(clock, lambda url, nth: (204, 0.1))

    async def main() -> None:
        async with running(tmp_path, ScriptedEngine(clock, play), clock, post=post) as house:
            job = await create(house, numbered(20), webhook=Webhook(("https://example.com/",)))
            await ended(house, job)
            slow = await create(house, numbered(200, start=100))
            await clock.sleep(1)
            await get(house, "/jobs")
            reply = await ask(house, "GET", "/metrics")
            found = parsed(reply.body)
            lane = {"engine": "simulated", "model": "m"}
            assert reply.headers["content-type"].startswith("text/plain; version=")
            assert value(found, "backburner_jobs_ended_total", tenant="default", state="SUCCEEDED") == 1
            assert value(found, "backburner_jobs", tenant="default", state="RUNNING") == 1
            waiting = value(found, "backburner_requests_waiting", tenant="default")
            assert waiting == (await house.jobs.get("default", slow.id)).counts.pending > 0
            answers = 220 - waiting - 1
            assert value(found, "backburner_requests_total", **lane, outcome="answer") == answers
            assert value(found, "backburner_tokens_total", **lane, kind="output") == answers
            assert value(found, "backburner_calls_total", **lane, outcome="answer") == answers
            assert value(found, "backburner_calls_total", **lane, outcome="transient") >= 1
            assert value(found, "backburner_calls_in_flight", **lane) == 4
            buckets = [
                value(found, "backburner_call_seconds_bucket", **lane, le=le)
                for le in ("0.25", "0.5", "+Inf")
            ]
            assert buckets[0] == 0 < buckets[1] == buckets[2]
            assert value(found, "backburner_call_seconds_count", **lane) == buckets[2]
            assert value(found, "backburner_intake_lines_total") == 220
            assert value(found, "backburner_http_requests_total", door="native", status="200") == 1
            assert value(found, "backburner_webhook_tries_total", outcome="taken") == 1
            assert value(found, "backburner_disk_free_bytes") > 0
            assert value(found, "backburner_data_bytes", what="catalog") > 0
            kinds = {
                family.name: family.type for family in text_string_to_metric_families(reply.body.decode())
            }
            assert kinds.items() >= {family.name: str(family.kind) for family in FAMILIES}.items()
            await ended(house, slow)
            found = parsed((await ask(house, "GET", "/metrics")).body)
            assert value(found, "backburner_eta_error_ratio_count") == 1
            assert value(found, "backburner_eta_error_ratio_sum") < 0.3, (
                "calls of one length are easy to foretell"
            )

    run(main)


@pytest.mark.parametrize(
    ("settings", "keyed", "headers", "status"),
    [
        ({}, False, {}, 200),
        ({}, False, {"host": "evil.example"}, 403),
        ({}, True, {}, 403),
        ({}, True, {"authorization": "KEY"}, 403),
        ({"metrics_token": "t0k"}, True, {"authorization": "Bearer t0k"}, 200),
        ({"metrics_token": "t0k"}, True, {"authorization": "Bearer t0"}, 403),
        ({"metrics_token": "t0k"}, True, {"authorization": "KEY"}, 403),
        ({"metrics_token": "t0k"}, False, {}, 403),
        ({"metrics": "open"}, True, {"host": "metrics.example"}, 200),
        ({"metrics": "off"}, False, {}, 404),
    ],
)
def test_who_may_read_them(
    tmp_path: Path, clock: VirtualClock, settings: Any, keyed: bool, headers: dict[str, str], status: int
) -> None:
    async def main() -> None:
        made = Settings(data=str(tmp_path), engine="simulated", **settings)
        async with running(tmp_path, ScriptedEngine(clock), clock, settings=made) as house:
            key = (await house.keys.create("one", ""))[1] if keyed else ""
            shown = {name: value.replace("KEY", f"Bearer {key}") for name, value in headers.items()}
            assert (await ask(house, "GET", "/metrics", headers=shown)).status == status

    run(main)


def test_ready_while_the_loops_run_and_the_disk_takes_what_is_written(
    tmp_path: Path, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main() -> None:
        async with running(tmp_path, ScriptedEngine(clock), clock) as house:
            first = await ask(house, "GET", "/readyz")
            assert (first.status, first.json) == (
                200,
                {"ready": True, "loops": "running", "store": "writable", "engines": {"simulated": "up"}},
            )

            def full(folder: Path) -> None:
                raise OSError(errno.ENOSPC, "No space left on device")

            monkeypatch.setattr(health, "probe", full)
            await clock.sleep(health.PROBE_KEPT_S)
            second = await ask(house, "GET", "/readyz")
            assert second.status == 503
            assert second.json["store"].startswith("cannot be written: the server's disk is full")
            assert (await ask(house, "GET", "/healthz")).status == 200
            monkeypatch.undo()
            await clock.sleep(health.PROBE_KEPT_S)
            assert (await ask(house, "GET", "/readyz")).status == 200
            house.leave()
            assert (await ask(house, "GET", "/readyz")).status == 503

    run(main)
