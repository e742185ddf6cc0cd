"""The Anthropic door's routes in one table."""

from backburner.api.anthropic import batches, messages, models
from backburner.api.anthropic.call import Route

ROUTES: tuple[Route, ...] = (
    Route("POST", "/v1/messages/batches", batches.create, "Create a message batch"),
    Route("GET", "/v1/messages/batches", batches.list_all, "List message batches, newest first"),
    Route(
        "GET", "/v1/messages/batches/{batch}", batches.retrieve, "Get a message batch with its live counts"
    ),
    Route("DELETE", "/v1/messages/batches/{batch}", batches.delete, "Delete a message batch that has ended"),
    Route("POST", "/v1/messages/batches/{batch}/cancel", batches.cancel, "Cancel a message batch"),
    Route("GET", "/v1/messages/batches/{batch}/results", batches.results, "Results, also while they come"),
    Route("POST", "/v1/messages", messages.create, "Generate a message at once, whole or streamed"),
    Route("POST", "/v1/messages/count_tokens", messages.count_tokens, "Count the tokens of a request"),
    Route("GET", "/v1/models", models.list_all, "List models"),
    Route("GET", "/v1/models/{model}", models.get, "Get a model"),
)
