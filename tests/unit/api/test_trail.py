"""The audit log: every route that changes something is in its table, who did it is told, keys and prompts are not."""

import re
from pathlib import Path

import pytest

from backburner.api.anthropic.routes import ROUTES as ANTHROPIC
from backburner.api.gemini.routes import ROUTES as GEMINI
from backburner.api.native.routes import ROUTES as NATIVE
from backburner.api.openai.routes import ROUTES as OPENAI
from backburner.api.trail import Deed, deed_of
from tests.doubles.scripted_engine import Play, ScriptedEngine
from tests.doubles.small_house import running
from tests.doubles.virtual_time import VirtualClock, run
from tests.unit.api.native.asked import ask, get, post

# They change nothing that is there afterwards.
CALLS = re.compile(
    r"/models/x:(generateContent|streamGenerateContent|embedContent|batchEmbedContents|countTokens)"
    r"|/(tunedModels|dynamic)/x:(generateContent|streamGenerateContent|embedContent|batchEmbedContents)"
    r"|/(tunedModels|dynamic)/x:countTokens"
    r"|/(chat/)?completions|/responses|/embeddings|/v1/messages(/count_tokens)?|/estimates"
)


def routes() -> set[tuple[str, str]]:
    found = {(x.method, f"/api/v1{x.path}".replace("{id}", "x")) for x in NATIVE}
    for x in GEMINI:
        prefix = f"/{x.prefix}" if x.prefix else ""
        name, verb = "/x" if x.named else "", f":{x.verb}" if x.verb else ""
        found.add((x.method, f"{prefix}/v1beta/{x.collection}{name}{verb}"))
    for x in OPENAI:
        name, verb = "/x" if x.named else "", f"/{x.verb}" if x.verb else ""
        found.add((x.method, f"/openai/v1/{x.collection}{name}{verb}"))
    found |= {(x.method, "/anthropic" + re.sub(r"\{\w+\}", "x", x.path)) for x in ANTHROPIC}
    return found


def test_every_route_that_changes_something_is_audited() -> None:
    changing = {x for x in routes() if x[0] != "GET" and not CALLS.search(x[1])}
    assert len(changing) > 30
    assert [x for x in sorted(changing) if deed_of(*x) is None] == []
    read = {deed.action for x in routes() if x[0] == "GET" and (deed := deed_of(*x)) is not None}
    assert read == {"job.cancel", "job.delete", "job.results", "file.download", "secret.read"}


@pytest.mark.parametrize(
    ("method", "path", "made", "deed"),
    [
        ("POST", "/v1/models/m:batchGenerateContent", "j1", Deed("job.create", "jobs/j1")),
        ("POST", "/v1beta/batches/j1:cancel", "", Deed("job.cancel", "jobs/j1")),
        ("GET", "/v1beta/batches/j1:cancel", "", Deed("job.cancel", "jobs/j1")),
        ("POST", "/openai/v1/batches/batch_j1/cancel", "", Deed("job.cancel", "jobs/j1")),
        ("POST", "/v1beta/openai/files", "f", Deed("file.create", "files/f")),
        ("DELETE", "/anthropic/v1/messages/batches/msgbatch_j1", "", Deed("job.delete", "jobs/j1")),
        ("POST", "/api/v1/jobs/j1:retry", "j2", Deed("job.retry", "jobs/j2")),
        ("POST", "/api/v1/jobs/j1:approve", "", Deed("job.approve", "jobs/j1")),
        ("GET", "/download/v1beta/files/f:download", "", Deed("file.download", "files/f")),
        ("GET", "/api/v1/jobs/j1", "", None),
        ("GET", "/api/v1/jobs", "", None),
        ("POST", "/v1/models/m:generateContent", "", None),
    ],
)
def test_what_a_call_does(method: str, path: str, made: str, deed: Deed | None) -> None:
    assert deed_of(method, path, made) == deed


def test_who_did_what_is_told_to_their_own_tenant(tmp_path: Path, clock: VirtualClock) -> None:
    engine = ScriptedEngine(clock, lambda text, nth: Play(60.0))
    asked = {
        "model": "m",
        "requests": [{"key": "a", "request": {"contents": [{"parts": [{"text": "CANARY"}]}]}}],
    }

    async def main() -> None:
        async with running(tmp_path, engine, clock) as house:
            one, key = await house.keys.create("one", "")
            _, other = await house.keys.create("two", "")
            mine, theirs = {"x-goog-api-key": key}, {"x-goog-api-key": other}
            job = (await post(house, "/jobs", asked, headers=mine)).json["id"]
            await post(house, f"/jobs/{job}:cancel", headers=theirs)
            await ask(house, "POST", f"/v1beta/batches/{job}:cancel?key={key}")
            await ask(house, "DELETE", f"/openai/v1/files/file-nothing?key={key}")
            await ask(house, "DELETE", f"/v1beta/batches/{job}")  # without a key: nobody's
            await clock.sleep(1)
            found = (await get(house, "/audit", headers=mine)).json["lines"]
            assert [(x["door"], x["action"], x["object"], x["outcome"], x["key"]) for x in found] == [
                ("openai", "file.delete", "files/nothing", "refused:404", one.id),
                ("gemini", "job.cancel", f"jobs/{job}", "done", one.id),
                ("native", "job.create", f"jobs/{job}", "done", one.id),
                ("cli", "key.create", f"keys/{one.id}", "done", ""),
            ]
            assert [
                x["action"] for x in (await get(house, "/audit?action=key.", headers=theirs)).json["lines"]
            ] == ["key.create"]
            page = (await get(house, "/audit?page_size=3", headers=mine)).json
            rest = (await get(house, f"/audit?page_token={page['next_page_token']}", headers=mine)).json
            assert (len(page["lines"]), [x["action"] for x in rest["lines"]], rest["next_page_token"]) == (
                3,
                ["key.create"],
                "",
            )
            clock.skew_s = 366 * 86400.0
            await post(house, f"/jobs/{job}:hold", headers=mine)
            await clock.sleep(1)
            left = (await get(house, "/audit", headers=mine)).json["lines"]
            assert [x["action"] for x in left] == ["job.hold"], "older lines are gone"
        text = b"".join(path.read_bytes() for path in tmp_path.glob("catalog.db*"))
        assert key.encode() not in text and b"CANARY" not in text

    run(main)
