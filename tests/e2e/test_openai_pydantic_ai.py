"""pydantic-ai's batch support (`model_request_batch`) against the OpenAI door, as it comes: it batches responses."""

from datetime import timedelta
from typing import Any

import pytest
from openai import AsyncOpenAI
from pydantic_ai import ModelRequest, ModelResponse, ToolDefinition
from pydantic_ai.direct import model_request, model_request_batch
from pydantic_ai.exceptions import ModelHTTPError
from pydantic_ai.models import ModelRequestParameters
from pydantic_ai.models.batch import BatchRequest
from pydantic_ai.models.openai import OpenAIResponsesModel
from pydantic_ai.providers.openai import OpenAIProvider

from tests.e2e.openai_jobs import MODEL, ROOTS
from tests.e2e.server import Server


@pytest.fixture(params=ROOTS)
def model(server: Server, request: pytest.FixtureRequest) -> OpenAIResponsesModel:
    client = AsyncOpenAI(base_url=server.url + request.param, api_key="any")
    return OpenAIResponsesModel(MODEL, provider=OpenAIProvider(openai_client=client))


def asking(label: str, text: str, **settings: Any) -> BatchRequest:
    return BatchRequest(
        custom_id=label,
        messages=[ModelRequest.user_text_prompt(text)],
        model_settings={"max_tokens": 64, **settings},
    )


async def test_a_batch_of_requests(model: OpenAIResponsesModel) -> None:
    texts = [f"question {n}" for n in range(50)]
    responses = await model_request_batch(
        model,
        [asking(f"q{n}", text) for n, text in enumerate(texts)],
        poll_interval=timedelta(milliseconds=50),
    )
    assert [response.text for response in responses if isinstance(response, ModelResponse)] == texts
    [usage] = {response.usage.output_tokens for response in responses if isinstance(response, ModelResponse)}
    assert usage == 2


async def test_a_request_that_cannot_be_served_is_an_error_in_its_place(model: OpenAIResponsesModel) -> None:
    responses = await model_request_batch(
        model,
        [asking("a", "one"), asking("b", "two", extra_body={"conversation": "c"}), asking("c", "three")],
        poll_interval=timedelta(milliseconds=50),
    )
    first, second, third = responses
    assert isinstance(first, ModelResponse)
    assert isinstance(third, ModelResponse)
    assert (first.text, third.text) == ("one", "three")
    assert isinstance(second, ModelHTTPError)
    assert second.status_code == 400
    assert "conversations are not kept here" in str(second)


async def test_a_request_of_its_own_with_instructions_and_a_tool(model: OpenAIResponsesModel) -> None:
    tool = ToolDefinition(name="look", parameters_json_schema={"type": "object", "properties": {}})
    response = await model_request(
        model,
        [ModelRequest.user_text_prompt("hello", instructions="be brief")],
        model_request_parameters=ModelRequestParameters(function_tools=[tool]),
    )
    assert response.text == "hello"
