"""A pytest plugin for google-genai's own tests: sends their client to BACKBURNER_URL.

Their client fixture ignores GOOGLE_GEMINI_BASE_URL, so the address goes into the `http_options` that each
test is parametrized with (contract, section 8.1).
"""

import os
from typing import Any

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    # What deletes a shared resource comes last, or the tests that read it find nothing.
    items.sort(key=lambda item: "delete" in item.path.name)
    url = os.environ["BACKBURNER_URL"]
    for item in items:
        callspec: Any = getattr(item, "callspec", None)
        if callspec is None or "http_options" not in callspec.params:
            continue
        options = callspec.params["http_options"]
        if options is None or isinstance(options, dict):
            callspec.params["http_options"] = {**(options or {}), "base_url": url}
        else:
            callspec.params["http_options"] = options.model_copy(update={"base_url": url})
