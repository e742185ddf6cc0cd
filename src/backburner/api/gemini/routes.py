"""The Gemini door's routes in one table. The OpenAPI document is made from it."""

from backburner.api.gemini import batches, caches, files, interactive, models
from backburner.api.gemini.call import Handle, Route

_MODELS = ("models", "tunedModels", "dynamic")


def _of_model(verb: str, answer: Handle, summary: str) -> list[Route]:
    return [Route("POST", "", collection, True, verb, answer, summary) for collection in _MODELS]


ROUTES: tuple[Route, ...] = (
    *_of_model("batchGenerateContent", batches.create_generate, "Create a batch of generate requests"),
    *_of_model("asyncBatchEmbedContent", batches.create_embed, "Create a batch of embedding requests"),
    *_of_model("generateContent", interactive.generate, "Generate at once; serviceTier flex waits its turn"),
    *_of_model(
        "streamGenerateContent", interactive.stream, "Generate, piece by piece: alt=sse or a JSON array"
    ),
    *_of_model("embedContent", interactive.embed, "Embed one content"),
    *_of_model("batchEmbedContents", interactive.embed_many, "Embed several contents at once"),
    *_of_model("countTokens", interactive.count_tokens, "Count the tokens of a request"),
    Route("GET", "", "models", False, "", models.list_all, "List models"),
    Route("GET", "", "models", True, "", models.get, "Get a model"),
    Route("GET", "", "tunedModels", False, "", models.list_tuned, "List tuned models: always empty"),
    Route("GET", "", "tunedModels", True, "", models.get, "Get a tuned model that the config maps"),
    Route("GET", "", "batches", False, "", batches.list_all, "List batches, newest first"),
    Route("GET", "", "batches", True, "", batches.get, "Get a batch with its live counts"),
    Route("GET", "", "batches", True, "results", batches.results, "Results so far, as JSONL (extension)"),
    Route("GET", "", "batches", True, "watch", batches.watch, "Progress, as server-sent events (extension)"),
    Route("POST", "", "batches", True, "cancel", batches.cancel, "Cancel a batch; what it has stays"),
    Route(
        "GET", "", "batches", True, "cancel", batches.cancel_by_get, "The same, as the documented curl does"
    ),
    Route("DELETE", "", "batches", True, "", batches.delete, "Stop and delete a batch with its results"),
    Route("GET", "", "batches", True, "delete", batches.delete_by_get, "The same, as the older curl does"),
    Route(
        "PATCH", "", "batches", True, "updateGenerateContentBatch", batches.update, "Change priority or name"
    ),
    Route("PATCH", "", "batches", True, "updateEmbedContentBatch", batches.update, "Change priority or name"),
    Route("POST", "upload", "files", False, "", files.upload, "Upload a file: resumable, multipart or raw"),
    Route("PUT", "upload", "files", False, "", files.upload, "The data of a resumable upload"),
    Route("POST", "", "files", False, "", files.create, "Create a file of metadata alone"),
    Route("GET", "", "files", False, "", files.list_all, "List files, newest first"),
    Route("GET", "", "files", True, "", files.get, "Get a file's metadata"),
    Route("DELETE", "", "files", True, "", files.delete, "Delete a file; jobs that pin it keep its bytes"),
    Route("GET", "", "files", True, "download", files.download, "Download a file, or a Range of it"),
    Route(
        "GET", "download", "files", True, "download", files.download, "The same, as the documented curl does"
    ),
    Route("POST", "", "cachedContents", False, "", caches.create, "Create cached content"),
    Route("GET", "", "cachedContents", False, "", caches.list_all, "List cached contents"),
    Route("GET", "", "cachedContents", True, "", caches.get, "Get cached content, without its contents"),
    Route("PATCH", "", "cachedContents", True, "", caches.update, "Change the expiry of cached content"),
    Route("DELETE", "", "cachedContents", True, "", caches.delete, "Delete cached content"),
)

VERBS: dict[str, frozenset[str]] = {
    collection: frozenset(route.verb for route in ROUTES if route.collection == collection and route.verb)
    for collection in {route.collection for route in ROUTES}
}
TABLE: dict[tuple[str, str, str, bool, str], Route] = {
    (route.method, route.prefix, route.collection, route.named, route.verb): route for route in ROUTES
}
