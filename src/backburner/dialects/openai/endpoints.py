"""The endpoints that a batch may be for, and the ways in which their URLs are written (contract 5.1, 5.4)."""

from backburner.core.job import JobKind

CHAT = "/v1/chat/completions"
COMPLETIONS = "/v1/completions"
EMBEDDINGS = "/v1/embeddings"
RESPONSES = "/v1/responses"

KINDS = {
    CHAT: JobKind.GENERATE,
    COMPLETIONS: JobKind.GENERATE,
    EMBEDDINGS: JobKind.EMBED,
    RESPONSES: JobKind.GENERATE,
}
# Where the request stands in the body of a call.
CONTENTS = {CHAT: "messages", COMPLETIONS: "prompt", EMBEDDINGS: "input", RESPONSES: "input"}
_PREFIXES = ("/v1beta/openai/", "/openai/v1/", "/v1/", "/")


def endpoint_of(url: str) -> str | None:
    """`/v1/chat/completions` for that, `/chat/completions` and `/v1beta/openai/chat/completions`; None for a URL
    of nothing that a batch may be for."""
    for prefix in _PREFIXES:
        found = "/v1/" + url.removeprefix(prefix)
        if url.startswith(prefix) and found in KINDS:
            return found
    return None
