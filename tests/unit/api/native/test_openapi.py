"""The OpenAPI document: every route is in it, every reference leads somewhere, and real replies fit its schemas."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from backburner.api.native.bodies import PREFIX
from backburner.api.native.door import found
from backburner.api.native.routes import ROUTES
from backburner.api.openapi import document
from backburner.core.exchange import TroubleKind
from tests.doubles.scripted_engine import Play, ScriptedEngine, trouble
from tests.doubles.small_house import create, ended, numbered, running, upload
from tests.doubles.virtual_time import VirtualClock, run
from tests.unit.api.native.asked import ask

DOCUMENT: dict[str, Any] = document("http://localhost")


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for member in value.values():
            yield from references(member)
    elif isinstance(value, list):
        for item in value:
            yield from references(item)


def schema(name: str) -> dict[str, Any]:
    """A schema of the document, standing for itself."""
    return {"$ref": f"#/components/schemas/{name}", "components": DOCUMENT["components"]}


def test_every_reference_leads_to_a_schema() -> None:
    there = {f"#/components/schemas/{name}" for name in DOCUMENT["components"]["schemas"]}
    assert set(references(DOCUMENT)) <= there
    for name in DOCUMENT["components"]["schemas"]:
        Draft202012Validator.check_schema(schema(name))


def test_every_route_is_in_the_document_with_its_parameters() -> None:
    identities: list[str] = []
    for route in ROUTES:
        operation = DOCUMENT["paths"][PREFIX + route.path][route.method.lower()]
        identities.append(operation["operationId"])
        names = {parameter["name"] for parameter in operation["parameters"]}
        assert names == {query.name for query in route.query} | ({"id"} if "{id}" in route.path else set())
    assert len(set(identities)) == len(identities)
    everywhere = [op["operationId"] for path in DOCUMENT["paths"].values() for op in path.values()]
    assert len(set(everywhere)) == len(everywhere)


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
def test_every_route_is_found_by_its_own_path_and_no_other_takes_it(route: Any) -> None:
    there, name = found(route.method, route.path.replace("{id}", "abc"))
    assert there is route
    assert name == ("abc" if "{id}" in route.path else "")


def test_real_replies_fit_their_schemas(tmp_path: Path, clock: VirtualClock) -> None:
    no = trouble(TroubleKind.REQUEST, "no")
    engine = ScriptedEngine(clock, lambda text, nth: Play(1.0, no if text == "text 1" else None), slots=2)

    async def main() -> None:
        async with running(tmp_path, engine, clock) as house:
            await house.keys.create("default", "laptop")
            _, key = await house.keys.create("default", "other")
            job = await create(house, numbered(12), display_name="x")
            file = await upload(house, b"a|x\n")
            for state in ("running", "ended"):
                if state == "ended":
                    await ended(house, job)
                else:
                    await clock.sleep(3.5)
                for route in ROUTES:
                    if route.streams or route.method not in ("GET", "PATCH"):
                        continue
                    path = PREFIX + route.path.replace("{id}", file if "/files" in route.path else job.id)
                    body = {"display_name": "y"} if route.takes else None
                    reply = await ask(house, route.method, path, body, {"authorization": f"Bearer {key}"})
                    assert reply.status == 200, reply.body
                    Draft202012Validator(schema(route.reply.__name__)).validate(reply.json)
            refused = await ask(house, "GET", f"{PREFIX}/jobs?state=x", headers={"x-goog-api-key": key})
            Draft202012Validator(schema("ErrorBody")).validate(refused.json)

    run(main)
