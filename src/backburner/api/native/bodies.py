"""What the native API answers and takes, as structs: the replies are encoded from them, the OpenAPI document is
made from them, and the command line reads replies with them. A member without a value is null, never missing."""

from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

PREFIX = "/api/v1"
INT64 = 2**63


class CountsBody(msgspec.Struct, frozen=True):
    """Requests found so far, and how many of them ended how."""

    total: int
    succeeded: int
    failed: int
    pending: int


class UsageBody(msgspec.Struct, frozen=True):
    """Tokens as the engines report them; `prompt_tokens` include `cached_tokens`, which the engine did not compute
    again, and `cached_share` is their part of them, 0 to 1."""

    prompt_tokens: int
    cached_tokens: int
    output_tokens: int
    cached_share: float


class SavedBody(msgspec.Struct, frozen=True):
    """What was not asked of an engine, because an identical request had the answer: calls and their tokens. `kept` of
    the calls had it from the answer cache, that is from another job."""

    calls: int
    kept: int
    prompt_tokens: int
    output_tokens: int


class CompletionBody(msgspec.Struct, frozen=True):
    """When the job will be done: the likely instant, and an interval that holds it with `confidence`."""

    earliest_at: str
    likely_at: str
    latest_at: str
    confidence: float


class JobErrorBody(msgspec.Struct, frozen=True):
    """Why a job ended as it did."""

    code: str
    message: str


class ProgressBody(msgspec.Struct, frozen=True, kw_only=True):
    """A job at the instant `at`. `progress` is the finished part of the requests found so far, 0 to 1; the total is
    final once `scanned`. `rate_per_s` is that of the last minute. `window_warning` says that the job will not be done
    by `deadline_at`, empty while it will or nobody knows."""

    job: str
    at: str
    state: str
    ended: bool
    scanned: bool
    counts: CountsBody
    progress: float
    rate_per_s: float
    usage: UsageBody | None
    estimated_completion: CompletionBody | None
    waiting_reason: str
    deadline_at: str
    window_warning: str
    error: JobErrorBody | None


class WebhookBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who is told when a job has ended, and what is told back to them."""

    uris: list[str]
    metadata: dict[str, Any] = msgspec.field(default_factory=dict[str, Any])


class JobBody(msgspec.Struct, frozen=True, kw_only=True):
    """A job. `usage` is null in lists; it does not count what was `saved`. `held`: only its canary runs until somebody
    approves. `results_file` is set once the results are published. `retry_of` is the job whose unanswered requests this
    one tries again. `after` are the jobs that it follows, `waits_for` those of them that have not succeeded yet."""

    id: str
    display_name: str
    dialect: str
    kind: str
    model: str
    state: str
    ended: bool
    priority: int
    on_invalid: str
    hold_after_canary: bool
    held: bool
    reuse_duplicates: bool
    retry_of: str | None
    after: list[str]
    waits_for: list[str]
    webhook: WebhookBody | None
    input_file: str | None
    input_bytes: int
    scanned: bool
    created_at: str
    updated_at: str
    started_at: str | None
    ended_at: str | None
    deadline_at: str
    expire_at: str
    window_s: float
    counts: CountsBody
    progress: float
    rate_per_s: float
    usage: UsageBody | None
    saved: SavedBody
    estimated_completion: CompletionBody | None
    waiting_reason: str
    window_warning: str
    warnings: list[str]
    error: JobErrorBody | None
    results_file: str | None
    results_bytes: int
    errors_file: str | None
    errors_bytes: int


class JobListBody(msgspec.Struct, frozen=True):
    """Newest first. `next_page_token` is empty on the last page."""

    jobs: list[JobBody]
    next_page_token: str


class JobChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What of a job may be changed; what is left out stays."""

    priority: Annotated[int, Meta(ge=-INT64, le=INT64 - 1)] | UnsetType = UNSET
    display_name: str | UnsetType = UNSET


class JobRetry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How to try again. `whole`: the new job has all requests of the ended one, those with an answer keep it."""

    whole: bool = False


class NumberedLine(msgspec.Struct, frozen=True):
    """A result line with its place in both orders; `cursor` goes on behind it."""

    seq: int
    ordinal: int
    key: str | None
    cursor: str
    line: msgspec.Raw


class AttemptBody(msgspec.Struct, frozen=True):
    """One try of a request. `trouble` is empty for an answer; `ended_at` is null while it is under way, or when the
    service went down with it. `reused_from`: no engine was asked, the answer is that of the identical request with this
    ordinal, with the tokens that it took; -1 for one of another job (the answer cache)."""

    engine: str
    model: str
    started_at: str
    ended_at: str | None
    trouble: str
    message: str
    usage: UsageBody
    reused_from: int | None


class OutcomeBody(msgspec.Struct, frozen=True, kw_only=True):
    """How a request ended. `kind` is answer or error, `code` a name of google.rpc.Code. `reused_from` is the ordinal of
    the identical request whose answer it is, -1 for one of another job."""

    seq: int
    kind: str
    code: str
    finish_reason: str
    usage: UsageBody
    engine: str
    model: str
    at: str
    reused_from: int | None


class RequestBody(msgspec.Struct, frozen=True, kw_only=True):
    """A request beside its outcome. `request` is the line of the input: JSON, or a string where it is none; null
    once the input is gone. `result` is the line of the results; null where there is none."""

    ordinal: int
    line: int
    key: str | None
    request: msgspec.Raw
    outcome: OutcomeBody | None
    result: msgspec.Raw
    attempts: list[AttemptBody]


class RequestListBody(msgspec.Struct, frozen=True):
    """`next_cursor` is empty on the last page."""

    requests: list[RequestBody]
    next_cursor: str


class ViolationBody(msgspec.Struct, frozen=True):
    """One thing that is wrong: where, what was expected and found, what to write instead."""

    path: str
    reason: str
    instead: str
    line: int | None
    key: str | None


class ViolationListBody(msgspec.Struct, frozen=True):
    violations: list[ViolationBody]


class ErrorDetail(msgspec.Struct, frozen=True):
    """`code` is a name of google.rpc.Code, `reason` a stable word for programs."""

    code: str
    message: str
    reason: str
    violations: list[ViolationBody]


class ErrorBody(msgspec.Struct, frozen=True):
    error: ErrorDetail


class EngineModelBody(msgspec.Struct, frozen=True, kw_only=True):
    """`slots` is how many calls at once it profits from, `limit` how many it is given at present (null before the
    first), `closed_until_at` set while it asked to be left alone."""

    id: str
    display_name: str
    features: list[str]
    context_tokens: int
    output_tokens: int
    slots: int
    limit: int | None
    in_flight: int
    closed_until_at: str | None


class EngineBody(msgspec.Struct, frozen=True, kw_only=True):
    """`status` is starting, up or down. `names` are the patterns of model names that lead here, and what answers."""

    name: str
    status: str
    reason: str
    names: dict[str, str]
    models: list[EngineModelBody]


class EngineListBody(msgspec.Struct, frozen=True):
    engines: list[EngineBody]


class FileBody(msgspec.Struct, frozen=True, kw_only=True):
    """`job` is set for a file of results."""

    name: str
    display_name: str
    mime_type: str
    size_bytes: int
    sha256: str
    source: str
    job: str | None
    created_at: str
    expire_at: str


class FileListBody(msgspec.Struct, frozen=True):
    files: list[FileBody]
    next_page_token: str


class ModelBody(msgspec.Struct, frozen=True, kw_only=True):
    """`id` is what callers write, `served_by` the model that answers. Token limits are 0 where not known."""

    id: str
    display_name: str
    description: str
    served_by: str
    engine: str
    chat: bool
    embed: bool
    input_tokens: int
    output_tokens: int


class ModelListBody(msgspec.Struct, frozen=True):
    models: list[ModelBody]
    next_page_token: str


class KeyBody(msgspec.Struct, frozen=True, kw_only=True):
    """Never the key itself: `hint` is how it starts."""

    id: str
    name: str
    hint: str
    created_at: str
    revoked_at: str | None


class KeyListBody(msgspec.Struct, frozen=True):
    """`required` says that every call must bring a key."""

    tenant: str
    required: bool
    keys: list[KeyBody]


class EstimateAsked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A job that is not made yet: the file of its input, and what it would be."""

    file: str
    model: str
    kind: str = "generate"
    dialect: str = "gemini"


class EstimateBody(msgspec.Struct, frozen=True, kw_only=True):
    """What a job would take, from `sampled` of its lines; `wrong` of those are wrong. `counted`: prompt tokens come
    from the engine's tokenizer, not from the number of bytes. `most` is what the requests allow, `likely` what this
    tenant's answers of the model were before; null without a past, costs also where nothing has a price."""

    requests: int
    sampled: int
    wrong: int
    engine: str
    model: str
    counted: bool
    prompt_tokens: int
    output_tokens_most: int
    output_tokens_likely: int | None
    currency: str
    cost_most: float | None
    cost_likely: float | None
    likely_s: float | None


class DoneBody(msgspec.Struct, frozen=True):
    """Nothing more to say."""
