"""docs/compatibility-openai.md says what the OpenAI door does, and names the test for each row."""

import re

from backburner.api.openai.routes import ROUTES

from .test_docs import missing_tests, page, rows

PAGE = "compatibility-openai.md"


def test_every_route_is_in_the_table_and_no_other() -> None:
    documented = set(re.findall(r"`((?:GET|POST|PUT|PATCH|DELETE) /[^`\s]*)`", page(PAGE)))
    assert documented == {f"{route.method} {route.path}" for route in ROUTES}


def test_every_row_names_a_test_that_exists() -> None:
    text = page(PAGE)
    assert text.count("::test_") > 60
    assert list(missing_tests(text)) == []
    assert [row[0] for row in rows(text, "field") if "::test_" not in row[-1]] == []
