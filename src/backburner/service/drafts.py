"""What a caller asks for when a job is to be made."""

from collections.abc import Iterable

import msgspec

from backburner.core.job import JobKind, OnInvalid, Webhook
from backburner.core.limits import JOB_WINDOW_S


class JobDraft(msgspec.Struct, frozen=True, kw_only=True):
    """What a caller asks for. The input is a file's id or, inline, the lines of one (without line breaks).

    Without `check_first` neither wrong lines nor a model that nothing serves refuse the creation: they fail the
    job. `expire_after_s` is when the job is given up and `result_retention_s` how long its results are kept, where
    the dialect has rules of its own. `after` are jobs as the caller names them; `waits_for`, those of them that have
    not succeeded, is found out (service/companions.py). `reuse_duplicates` None: as the settings say."""

    dialect: str
    kind: JobKind
    model: str
    display_name: str = ""
    priority: int = 0
    on_invalid: OnInvalid = OnInvalid.FAIL
    window_s: float = JOB_WINDOW_S
    expire_after_s: float | None = None
    check_first: bool = True
    result_retention_s: float | None = None
    hold_after_canary: bool = False
    local_only: bool = False
    reuse_duplicates: bool | None = None
    file_id: str | None = None
    lines: Iterable[bytes] | None = None
    warnings: tuple[str, ...] = ()
    webhook: Webhook | None = None
    after: tuple[str, ...] = ()
    waits_for: tuple[str, ...] = ()
    extras: dict[str, object] = msgspec.field(default_factory=dict[str, object])


class Idempotency(msgspec.Struct, frozen=True):
    """The caller's key for this creation and a digest of what it asks."""

    key: str
    digest: bytes
