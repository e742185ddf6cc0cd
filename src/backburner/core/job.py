"""A job, its states, and the only table of legal moves between them."""

from collections.abc import Mapping
from enum import StrEnum

import msgspec

from backburner.core.errors import Code
from backburner.core.request import Saved, Usage


class JobState(StrEnum):
    """FINALIZING is ours: every request has its outcome and the result file is being written. The Gemini
    wire knows no such state and shows RUNNING."""

    PENDING = "PENDING"
    RUNNING = "RUNNING"
    FINALIZING = "FINALIZING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"
    EXPIRED = "EXPIRED"


TRANSITIONS: Mapping[JobState, frozenset[JobState]] = {
    JobState.PENDING: frozenset({JobState.RUNNING, JobState.FAILED, JobState.CANCELLED, JobState.EXPIRED}),
    JobState.RUNNING: frozenset({JobState.FINALIZING, JobState.FAILED, JobState.CANCELLED, JobState.EXPIRED}),
    JobState.FINALIZING: frozenset(
        {JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED, JobState.EXPIRED}
    ),
    JobState.SUCCEEDED: frozenset(),
    JobState.FAILED: frozenset(),
    JobState.CANCELLED: frozenset(),
    JobState.EXPIRED: frozenset(),
}
ENDED = frozenset(state for state, onward in TRANSITIONS.items() if not onward)


class JobKind(StrEnum):
    """What the requests ask for; one kind per job."""

    GENERATE = "generate"
    EMBED = "embed"


class OnInvalid(StrEnum):
    """What a wrong request does to its job: FAIL refuses the job, SKIP runs the good ones and answers the
    wrong ones with an error in their place."""

    FAIL = "fail"
    SKIP = "skip"


class JobError(msgspec.Struct, frozen=True):
    """Why a job ended as it did, for a person."""

    code: Code
    message: str


class Webhook(msgspec.Struct, frozen=True):
    """Who is told when the job has ended, and what the caller wants told back."""

    uris: tuple[str, ...]
    metadata: dict[str, object] = msgspec.field(default_factory=dict[str, object])


class Counts(msgspec.Struct, frozen=True):
    """Requests of a job: `total` found so far, of which `succeeded` and `failed` have an outcome."""

    total: int = 0
    succeeded: int = 0
    failed: int = 0

    @property
    def pending(self) -> int:
        return self.total - self.succeeded - self.failed


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """One submitted batch. Immutable: a change is a new value, made by `msgspec.structs.replace`.

    `counts`, `usage` and `saved` are a cache of the ledger's truth; `usage` is what was spent, `saved` what was not
    because the answer of an identical request served (`reuse_duplicates`). `input_name` is what the caller called the
    input (`files/x`), None for inline requests. `scanned` says that intake has seen every line.
    `results_blob` is set once the result file is published, `errors_blob` with it where the dialect has the
    requests without an answer in a file of their own and there are some. `result_retention_s` is how long both
    are kept, None for as long as the settings say. `after` are the jobs whose success it was made to wait for,
    `waits_for` those of them that have not succeeded yet.
    """

    id: str
    tenant: str
    dialect: str
    kind: JobKind
    model: str
    state: JobState
    created_at: float
    updated_at: float
    started_at: float | None = None
    finalizing_at: float | None = None
    ended_at: float | None = None
    expire_at: float
    window_s: float
    display_name: str = ""
    priority: int = 0
    on_invalid: OnInvalid = OnInvalid.FAIL
    hold_after_canary: bool = False
    local_only: bool = False  # its requests never go to a hosted engine
    approved: bool = False
    reuse_duplicates: bool = True
    input_name: str | None = None
    input_blob: str
    input_bytes: int
    scanned: bool = False
    counts: Counts = Counts()
    usage: Usage = Usage()
    saved: Saved = Saved()
    error: JobError | None = None
    warnings: tuple[str, ...] = ()
    results_blob: str | None = None
    results_bytes: int = 0
    errors_blob: str | None = None
    errors_bytes: int = 0
    result_retention_s: float | None = None
    webhook: Webhook | None = None
    after: tuple[str, ...] = ()
    waits_for: tuple[str, ...] = ()
    extras: dict[str, object] = msgspec.field(default_factory=dict[str, object])

    @property
    def held(self) -> bool:
        """Only the canary may run until somebody approves."""
        return self.hold_after_canary and not self.approved

    @property
    def ended(self) -> bool:
        return self.state in ENDED


class IllegalTransition(Exception):
    """A move that TRANSITIONS does not allow: a bug, or a race that the caller must resolve."""


def moved(job: Job, to: JobState, at: float, error: JobError | None = None) -> Job:
    """The job in its next state. Raises IllegalTransition."""
    if to not in TRANSITIONS[job.state]:
        raise IllegalTransition(f"job {job.id}: {job.state} -> {to}")
    return msgspec.structs.replace(
        job,
        state=to,
        updated_at=at,
        started_at=at if to is JobState.RUNNING else job.started_at,
        finalizing_at=at if to is JobState.FINALIZING else job.finalizing_at,
        ended_at=at if to in ENDED else None,
        error=error or job.error,
    )
