"""pydantic-ai's batch support (`model_request_batch`) against the Gemini door, as it comes."""

from datetime import timedelta
from typing import Any

import pytest
from pydantic_ai import ModelRequest, ModelResponse
from pydantic_ai.direct import model_request, model_request_batch
from pydantic_ai.exceptions import ModelHTTPError
from pydantic_ai.models import ModelRequestParameters
from pydantic_ai.models.batch import BatchRequest
from pydantic_ai.models.google import GoogleModel
from pydantic_ai.native_tools import WebSearchTool
from pydantic_ai.providers.google import GoogleProvider

from tests.e2e.jobs import MODEL
from tests.e2e.server import Server


@pytest.fixture
def model(server: Server) -> GoogleModel:
    return GoogleModel(MODEL, provider=GoogleProvider(client=server.client()))


def asking(label: str, text: str, **settings: Any) -> BatchRequest:
    return BatchRequest(
        custom_id=label,
        messages=[ModelRequest.user_text_prompt(text)],
        model_settings={"max_tokens": 64, **settings},
    )


async def test_a_batch_of_requests(model: GoogleModel) -> None:
    texts = [f"question {n}" for n in range(50)]
    responses = await model_request_batch(
        model,
        [asking(f"q{n}", text) for n, text in enumerate(texts)],
        poll_interval=timedelta(milliseconds=50),
    )
    assert [response.text for response in responses if isinstance(response, ModelResponse)] == texts


async def test_a_request_of_its_own(model: GoogleModel) -> None:
    response = await model_request(model, [ModelRequest.user_text_prompt("hello")])
    assert response.text == "hello"


async def test_a_request_that_cannot_be_served_is_an_error_in_its_place(model: GoogleModel) -> None:
    searching = ModelRequestParameters(native_tools=[WebSearchTool()])
    wrong = BatchRequest(
        custom_id="b",
        messages=[ModelRequest.user_text_prompt("two")],
        model_request_parameters=searching,
    )
    first, second, third = await model_request_batch(
        model,
        [asking("a", "one"), wrong, asking("c", "three")],
        poll_interval=timedelta(milliseconds=50),
    )
    assert isinstance(first, ModelResponse)
    assert isinstance(third, ModelResponse)
    assert (first.text, third.text) == ("one", "three")
    assert isinstance(second, ModelHTTPError)
    assert second.status_code == 400
    assert "google_search" in str(second)
