"""Why a test of google-genai's own suite cannot pass here: patterns over its name and its failure.

The suite was recorded against the hosted service. The tests below want Google's models, Google's other
services or resources, or an engine with more than an echo in it.
"""

import re

ECHO = "checks what a real model said; the simulated engine echoes, and calls no function by itself"
EVERY_NAME = "wants a 404 for a model of another API; the simulated engine serves every model name"
ELSEWHERE = "goes to a fixed address at Google, whatever the client's base URL"
REFUSED = "asks for a feature that this server does not have, and is told so by name"
GOOGLES_OWN = "names a resource of Google's test project that cannot be made here"

# (pattern over the test's name, pattern over the failure's words, reason)
REASONS: tuple[tuple[str, str, str], ...] = (
    ("", r"Name or service not known|nodename nor servname", ELSEWHERE),
    (
        r"with_streaming|test_models_stream_with_non_empty_last_chunk",
        r"assert ''",
        "wants text in every chunk; here the last one has only the finishReason, so that no text waits for it",
    ),
    (
        "",
        r"cannot be passed to an engine|is not supported here|cannot do this: Google Search|cannot do this: thinking",
        REFUSED,
    ),
    ("", r"only text can be embedded here", REFUSED),
    (r"file_search_non_existent|test_error_handling|speech_error", r"not supported here", REFUSED),
    (
        r"files/register_table",
        r"files:register",
        "registers files of Google Cloud Storage, which is out of scope",
    ),
    (r"caches_create_model_partial_path_2|gcs", r"gs://", "reads a file out of Google Cloud Storage"),
    (r"tuned_model", r"tunedModels/", "deletes a tuned model; nothing is tuned here"),
    (r"generate_content_cached_content", r"cachedContents/", GOOGLES_OWN),
    (r"test_create_operation_to_poll", r"", "polls a video that Google is making"),
    (
        r"files/download|test_(async_)?(basic|destination)_download",
        r"== b'ftyp'",
        "looks for a generated video among the files and finds a batch's results",
    ),
    (
        r"test_name_transform_name",
        r"http://127",
        "the SDK cuts names out of https:// addresses only, and this server speaks plain http",
    ),
    (
        r"test_async_(multiple_uris|quota_project|single|token_refresh)",
        r"response_stream",
        "fails by itself: its mock does not fit the installed httpx, no server is asked",
    ),
    (
        r"delete",
        r"404 NOT_FOUND|403 PERMISSION",
        "the test before it deleted the one resource that both name",
    ),
    (r"expire_time", r"the expiry is in the past", "the expiry that it sends is in the past by now"),
    (r"generate_content_mcp", r"ImportError|No module named 'mcp'", "needs the package mcp"),
    (
        r"test_get_vertex_tuned_model|test_llama|test_publisher_model|test_start_with_publishers"
        r"|test_tuned_model|test_vertex_new_api_maas|test_async_get_model",
        r"Should have raised|DID NOT RAISE",
        EVERY_NAME,
    ),
    (
        r"pager",
        r"[cC]ontent-[eE]ncoding",
        "wants the answer compressed; this server sends it as it is",
    ),
    (
        r"models/(generate_content|count_tokens).*|test_extra_body",
        r"DID NOT RAISE",
        "wants a field refused that is understood here (systemInstruction beside contents, in countTokens)",
    ),
    (r"test_logprobs_zero_with_response", r"Should have raised", "log probabilities are not refused here"),
    (r"test_logprobs_zero\[", r"logprobs", "refused here too, in words of our own"),
    (
        r"function|automatic|test_2_|class_method_tools|afc|thought|thinking|list_of_pydantic|multiple_(parts|strings)"
        r"|optional_none|one_of|usage_metadata_part_types",
        r"assert|IndexError",
        ECHO,
    ),
)


def reason_for(name: str, words: str) -> str:
    """The reason, or an empty string when there is none on the list."""
    for name_pattern, words_pattern, reason in REASONS:
        if re.search(name_pattern, name) and re.search(words_pattern, words):
            return reason
    return ""
