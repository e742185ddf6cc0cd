"""docs/api.md says what the native API is: its routes, their query parameters, the members of a job, its statuses."""

import re

import msgspec

from backburner.api.native.bodies import PREFIX, JobBody
from backburner.api.native.errors import HTTP
from backburner.api.native.routes import ROUTES

from .test_docs import page, rows, section, word

TEXT = page("api.md")
# Where a section is about one route.
SECTIONS = {
    "## Listing jobs": "/jobs",
    "## Results": "/jobs/{id}/results",
    "## Requests": "/jobs/{id}/requests",
}


def test_every_route_is_documented_and_no_other() -> None:
    documented = {word(row[0]) for row in rows(section(TEXT, "## Routes"))}
    assert documented == {f"{route.method} {PREFIX}{route.path}" for route in ROUTES}


def test_every_query_parameter_is_documented_and_no_other() -> None:
    asked = {route.path: {query.name for query in route.query} for route in ROUTES if route.method == "GET"}
    for heading, path in SECTIONS.items():
        assert {word(row[0]) for row in rows(section(TEXT, heading), "query")} == asked.pop(path), heading
    for path, names in asked.items():  # in the prose of the other sections
        for name in names:
            assert f"`{name}`" in TEXT, (path, name)


def test_every_member_of_a_job_is_explained_and_no_other() -> None:
    part = section(TEXT, "## A job")
    explained = [name for row in rows(part, "member") for name in re.findall(r"`(\w+)`", row[0])]
    rest = part[part.index("The others are") :]
    explained += re.findall(r"`(\w+)`", rest)
    assert set(explained) == {field.name for field in msgspec.structs.fields(JobBody)}


def test_the_statuses_are_those_of_the_code() -> None:
    found = {
        (int(row[0]), name)
        for row in rows(section(TEXT, "## Errors"), "HTTP")
        for name in re.findall(r"`([A-Z_]+)`", row[1])
    }
    assert found - {(405, "NOT_FOUND")} == {(status, code.name) for code, status in HTTP.items()}
