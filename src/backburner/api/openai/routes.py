"""The OpenAI door's routes in one table. The OpenAPI document is made from it."""

from backburner.api.openai import batches, files, interactive, models
from backburner.api.openai.call import Route

ROUTES: tuple[Route, ...] = (
    Route("POST", "chat/completions", False, "", interactive.chat, "Chat; service_tier flex waits its turn"),
    Route("POST", "completions", False, "", interactive.complete, "Complete a prompt"),
    Route("POST", "responses", False, "", interactive.respond, "Respond; nothing is kept"),
    Route("POST", "embeddings", False, "", interactive.embed, "Embed texts"),
    Route("GET", "models", False, "", models.list_all, "List models"),
    Route("GET", "models", True, "", models.get, "Get a model"),
    Route("POST", "files", False, "", files.create, "Upload a file as multipart/form-data"),
    Route("GET", "files", False, "", files.list_all, "List files, newest first"),
    Route("GET", "files", True, "content", files.content, "The content of a file, or a Range of it"),
    Route("GET", "files", True, "", files.get, "Get a file's metadata"),
    Route("DELETE", "files", True, "", files.delete, "Delete a file; batches that use it keep its bytes"),
    Route("POST", "batches", False, "", batches.create, "Create a batch"),
    Route("GET", "batches", False, "", batches.list_all, "List batches, newest first"),
    Route("POST", "batches", True, "cancel", batches.cancel, "Cancel a batch; what it has stays"),
    Route("GET", "batches", True, "", batches.get, "Get a batch with its live counts"),
)
