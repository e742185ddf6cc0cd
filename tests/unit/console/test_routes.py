"""Signing in to the console, and what its cookie opens, over the whole application."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import httpx
import pytest

from backburner.api.server import application
from backburner.api.sessions import COOKIE, HEADER, SESSION_S
from backburner.console.pages import POLICY, read_pages
from backburner.console.routes import routes
from backburner.house import House
from tests.doubles.scripted_engine import ScriptedEngine
from tests.doubles.small_house import create, numbered, running
from tests.doubles.virtual_time import VirtualClock, run

OURS = {HEADER: "1"}
Scene = Callable[[House, httpx.AsyncClient], Awaitable[None]]


@pytest.fixture
def play(tmp_path: Path, clock: VirtualClock) -> Callable[[Scene], None]:
    """Runs a scene with a house and a browser-like client, which keeps cookies."""

    def played(scene: Scene) -> None:
        async def main() -> None:
            async with running(tmp_path, ScriptedEngine(clock), clock) as house:
                services = house.services()
                transport = httpx.ASGITransport(application(services, routes(services)))
                async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
                    await scene(house, client)

        run(main, limit_s=2 * SESSION_S)

    return played


async def signed_in(house: House, client: httpx.AsyncClient, tenant: str = "anna") -> httpx.Response:
    _, key = await house.keys.create(tenant, "")
    return await client.post("/console/session", json={"key": key}, headers=OURS)


def test_every_file_comes_under_a_strict_policy(play: Callable[[Scene], None]) -> None:
    async def scene(_: House, client: httpx.AsyncClient) -> None:
        for path in ("/", *[f"/console/{name}" for name in read_pages()]):
            reply = await client.get(path)
            assert reply.status_code == 200, path
            assert reply.headers["content-security-policy"] == POLICY
            assert reply.headers["x-content-type-options"] == "nosniff"
            again = await client.get(path, headers={"if-none-match": reply.headers["etag"]})
            assert (again.status_code, again.content) == (304, b""), path
        raw = {bytes(name): value for name, value in (await client.get("/")).headers.raw}
        assert raw[b"Content-Type"] == b"text/html; charset=utf-8"
        assert "unsafe" not in POLICY

    play(scene)


def test_what_is_no_file_of_the_console_is_not_found(play: Callable[[Scene], None]) -> None:
    async def scene(_: House, client: httpx.AsyncClient) -> None:
        for path in ("/console/none.js", "/console/..%2f__init__.py", "/console/pages.py"):
            assert (await client.get(path)).status_code == 404, path

    play(scene)


def test_a_server_without_keys_needs_no_sign_in(play: Callable[[Scene], None]) -> None:
    async def scene(_: House, client: httpx.AsyncClient) -> None:
        reply = await client.get("/console/session", headers=OURS)
        assert reply.json() == {"required": False, "tenant": "default"}
        foreign = await client.get("/console/session", headers={**OURS, "host": "evil.example"})
        assert (foreign.status_code, foreign.json()["error"]["reason"]) == (403, "FOREIGN_HOST")

    play(scene)


def test_the_cookie_is_strict_and_opens_the_api_to_our_page_alone(play: Callable[[Scene], None]) -> None:
    async def scene(house: House, client: httpx.AsyncClient) -> None:
        reply = await signed_in(house, client)
        assert reply.json() == {"required": True, "tenant": "anna"}
        flags = {flag.strip().lower() for flag in reply.headers["set-cookie"].split(";")[1:]}
        assert {"httponly", "samesite=strict", "path=/", f"max-age={SESSION_S:.0f}"} <= flags
        job = await create(house, numbered(1), tenant="anna")
        foreign = await create(house, numbered(1), tenant="bert")
        assert (await client.get(f"/api/v1/jobs/{job.id}", headers=OURS)).status_code == 200
        assert (await client.get(f"/api/v1/jobs/{foreign.id}", headers=OURS)).status_code == 404
        assert (await client.get("/v1beta/batches", headers=OURS)).status_code == 200
        assert (await client.get("/api/v1/jobs")).status_code == 401, (
            "a page elsewhere cannot send the header"
        )
        cancelled = await client.post(
            f"/api/v1/jobs/{job.id}:cancel", headers={"sec-fetch-site": "same-origin"}
        )
        assert cancelled.status_code == 401
        told = await client.get("/console/session", headers=OURS)
        assert told.json() == {"required": True, "tenant": "anna"}

    play(scene)


def test_a_wrong_key_gets_no_cookie(play: Callable[[Scene], None]) -> None:
    async def scene(house: House, client: httpx.AsyncClient) -> None:
        await house.keys.create("anna", "")
        for body, status, reason in (
            ({"key": "bb-wrong"}, 401, "KEY_INVALID"),
            ({"key": " "}, 401, "KEY_MISSING"),
            ({"name": "x"}, 400, "INVALID_ARGUMENT"),
        ):
            reply = await client.post("/console/session", json=body, headers=OURS)
            assert (reply.status_code, reply.json()["error"]["reason"]) == (status, reason)
            assert "set-cookie" not in reply.headers
        assert (await client.get("/console/session", headers=OURS)).json()["tenant"] is None

    play(scene)


def test_another_page_cannot_sign_anybody_in(play: Callable[[Scene], None]) -> None:
    async def scene(house: House, client: httpx.AsyncClient) -> None:
        _, key = await house.keys.create("anna", "")
        reply = await client.post("/console/session", json={"key": key})
        assert (reply.status_code, reply.json()["error"]["reason"]) == (403, "NOT_THE_CONSOLE")
        assert "set-cookie" not in reply.headers

    play(scene)


def test_a_revoked_key_ends_its_sessions_at_once(play: Callable[[Scene], None]) -> None:
    async def scene(house: House, client: httpx.AsyncClient) -> None:
        await signed_in(house, client)
        await house.keys.revoke((await house.keys.list())[0].id)
        assert (await client.get("/api/v1/jobs", headers=OURS)).status_code == 401

    play(scene)


def test_a_session_ends_by_itself_and_by_signing_out(play: Callable[[Scene], None]) -> None:
    async def scene(house: House, client: httpx.AsyncClient) -> None:
        await signed_in(house, client)
        kept = client.cookies[COOKIE]
        out = await client.delete("/console/session", headers=OURS)
        assert out.json()["tenant"] is None
        assert COOKIE not in client.cookies
        client.cookies.set(COOKIE, kept)
        assert (await client.get("/api/v1/jobs", headers=OURS)).status_code == 401
        client.cookies.clear()
        await signed_in(house, client)
        await house.clock.sleep(SESSION_S)
        assert (await client.get("/api/v1/jobs", headers=OURS)).status_code == 401

    play(scene)


def test_a_first_sample_is_asked_for_by_a_header(play: Callable[[Scene], None]) -> None:
    async def scene(_: House, client: httpx.AsyncClient) -> None:
        content = {"request": {"contents": [{"parts": [{"text": "x"}]}]}}
        body = {"batch": {"inputConfig": {"requests": {"requests": [content] * 40}}}}
        for value, held in (("canary", True), ("Canary", True), (None, False)):
            headers = {"x-backburner-hold": value} if value else {}
            made = await client.post("/v1beta/models/m:batchGenerateContent", json=body, headers=headers)
            assert made.status_code == 200, made.text
            job = made.json()["name"].removeprefix("batches/")
            assert (await client.get(f"/api/v1/jobs/{job}")).json()["hold_after_canary"] is held
        wrong = await client.post(
            "/v1beta/models/m:batchGenerateContent", json=body, headers={"x-backburner-hold": "yes"}
        )
        assert wrong.status_code == 400
        assert "expected canary, found 'yes'" in wrong.json()["error"]["message"]

    play(scene)
