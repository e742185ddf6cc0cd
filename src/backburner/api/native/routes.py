"""The native API's routes in one table. The OpenAPI document is made from it."""

from backburner.api.answers import JSONL_TYPE
from backburner.api.native import audit, creation, files, inventory, jobs, reading, webhooks
from backburner.api.native.bodies import (
    DoneBody,
    EngineListBody,
    EstimateAsked,
    EstimateBody,
    FileBody,
    FileListBody,
    JobBody,
    JobChange,
    JobListBody,
    JobRetry,
    KeyListBody,
    ModelListBody,
    NumberedLine,
    ProgressBody,
    RequestListBody,
    ViolationListBody,
)
from backburner.api.native.call import BYTES_TYPE, Query, Route
from backburner.api.native.creation import JobAsked
from backburner.api.native.events import EVENT_STREAM
from backburner.api.native.webhook_bodies import DeliveryListBody, SecretBody

_PAGE = (
    Query("page_size", "How many at most", "integer"),
    Query("page_token", "The next_page_token of the page before"),
)
_LIST = (
    Query("state", "Only jobs in these states, separated by commas: RUNNING,PENDING"),
    Query("model", "Only jobs of this model"),
    Query("q", "Only jobs with this text in their display name, or at the start of their id"),
    *_PAGE,
)
_RESULTS = (
    Query("order", "commit: as they came in (default). input: in input order", values=("commit", "input")),
    Query("cursor", "Only what is behind it: the X-Next-Cursor of the answer before, or an envelope's"),
    Query("follow", "Keep the stream open until the job has ended", "boolean"),
    Query("envelope", "Each line with its seq, ordinal, key and cursor", "boolean"),
)
_REQUESTS = (
    Query("failed", "Only those that failed, in the order in which they did", "boolean"),
    Query("cursor", "The next_cursor of the page before"),
    Query("page_size", "How many at most", "integer"),
)

ROUTES: tuple[Route, ...] = (
    Route("GET", "/jobs", jobs.list_all, "List jobs, newest first", JobListBody, _LIST),
    Route("POST", "/jobs", creation.create, "Make a job of a file or of requests", JobBody, takes=JobAsked),
    Route("GET", "/jobs/{id}", jobs.get, "Get a job: all there is to know", JobBody),
    Route("PATCH", "/jobs/{id}", jobs.change, "Change priority or name", JobBody, takes=JobChange),
    Route("DELETE", "/jobs/{id}", jobs.delete, "Stop and delete a job with its results", DoneBody),
    Route("POST", "/jobs/{id}:cancel", jobs.cancel, "Cancel a job; what it has stays", JobBody),
    Route("POST", "/jobs/{id}:hold", jobs.hold, "Start nothing of a job but its canary", JobBody),
    Route("POST", "/jobs/{id}:approve", jobs.approve, "Let a job that is held go on", JobBody),
    Route(
        "POST",
        "/jobs/{id}:retry",
        jobs.retry,
        "A new job of the requests without an answer",
        JobBody,
        takes=JobRetry,
        body_optional=True,
    ),
    Route(
        "GET",
        "/jobs/{id}/results",
        reading.results,
        "Results so far, as JSONL",
        NumberedLine,
        _RESULTS,
        streams=JSONL_TYPE,
    ),
    Route(
        "GET",
        "/jobs/{id}/events",
        reading.events,
        "Progress, as server-sent events",
        ProgressBody,
        streams=EVENT_STREAM,
    ),
    Route(
        "GET",
        "/jobs/{id}/requests",
        reading.requests,
        "Requests beside their outcomes",
        RequestListBody,
        _REQUESTS,
    ),
    Route(
        "GET",
        "/jobs/{id}/violations",
        reading.violations,
        "What is wrong with lines of the input",
        ViolationListBody,
        (Query("limit", "How many at most", "integer"),),
    ),
    Route("GET", "/engines", inventory.engines, "Engines, their models and their load", EngineListBody),
    Route("GET", "/files", inventory.files, "Files, newest first", FileListBody, _PAGE),
    Route(
        "POST",
        "/files",
        files.create,
        "Upload a file: its bytes are the body",
        FileBody,
        (Query("display_name", "What to call it"),),
        uploads="application/jsonl",
    ),
    Route("GET", "/files/{id}", files.get, "Get a file's size, type and times", FileBody),
    Route("DELETE", "/files/{id}", files.delete, "Delete a file; jobs keep what they need", DoneBody),
    Route(
        "GET",
        "/files/{id}/content",
        files.content,
        "The bytes of a file, or a Range of them",
        FileBody,
        streams=BYTES_TYPE,
    ),
    Route(
        "POST",
        "/estimates",
        files.estimate,
        "What a job would take: tokens, cost, time",
        EstimateBody,
        takes=EstimateAsked,
    ),
    Route("GET", "/models", inventory.models, "Models and the names mapped onto them", ModelListBody, _PAGE),
    Route(
        "GET",
        "/webhooks/deliveries",
        webhooks.deliveries,
        "Events that were sent, newest first",
        DeliveryListBody,
        (Query("job", "Only those of this job"), *_PAGE),
    ),
    Route("GET", "/webhooks/secret", webhooks.secret, "What events are signed with", SecretBody),
    Route(
        "POST",
        "/webhooks/secret:rotate",
        webhooks.rotate,
        "A new secret; the old one signs for a day",
        SecretBody,
    ),
    Route(
        "GET",
        "/audit",
        audit.lines,
        "Who did what, newest first",
        audit.AuditListBody,
        (Query("action", "Only this one, or all that begin so: job."), *_PAGE),
    ),
    Route("GET", "/keys", inventory.keys, "The tenant's API keys: how they start, never more", KeyListBody),
)
