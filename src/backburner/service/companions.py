"""What a job that is to be made depends on besides its input: receivers that can be called, jobs that it follows."""

import asyncio
from collections.abc import Sequence

import msgspec

from backburner.core.errors import InvalidArgument, Violation
from backburner.core.job import Job, JobState, Webhook
from backburner.core.lanes import Lanes
from backburner.outbound.addresses import Forbidden, Network, Resolve, check
from backburner.policy.follow import Broken, follow
from backburner.service.drafts import JobDraft
from backburner.store.stores import Stores
from backburner.work.board import Board

URIS, AFTER = 5, 100
METADATA_BYTES = 4096
PREFIXES = ("batches/", "batch_", "msgbatch_")  # as the dialects write ids of jobs


class Companions:
    """`resolve` asks for the addresses of a name."""

    def __init__(
        self,
        stores: Stores,
        lanes: Lanes,
        board: Board,
        open_networks: Sequence[Network] = (),
        resolve: Resolve | None = None,
    ) -> None:
        self._stores = stores
        self._lanes = lanes
        self._board = board
        self._open_networks = open_networks
        self._resolve = resolve

    async def settled(self, tenant: str, draft: JobDraft) -> JobDraft:
        """The draft with the ids of the jobs it follows, and a warning for a receiver that cannot be found now.
        Raises InvalidArgument."""
        violations: list[Violation] = []
        warnings = await self._receivers(draft.webhook, violations) if draft.webhook is not None else []
        jobs = await self._after(tenant, draft.after, violations)
        if violations:
            raise InvalidArgument("the job cannot be created", violations=violations)
        waits_for = tuple(id_ for id_, job in jobs.items() if job.state is not JobState.SUCCEEDED)
        return msgspec.structs.replace(
            draft, after=tuple(jobs), waits_for=waits_for, warnings=(*draft.warnings, *warnings)
        )

    async def _receivers(self, webhook: Webhook, violations: list[Violation]) -> list[str]:
        warnings: list[str] = []
        if len(webhook.uris) > URIS:
            words = f"expected at most {URIS} URIs, found {len(webhook.uris)}"
            violations.append(Violation("webhook.uris", words))
            return warnings
        if (size := len(msgspec.json.encode(webhook.metadata))) > METADATA_BYTES:
            words = f"expected at most {METADATA_BYTES:,} bytes, found {size:,}"
            violations.append(Violation("webhook.metadata", words))
        checks = [check(uri, self._open_networks, self._resolve) for uri in webhook.uris]
        for place, found in enumerate(await asyncio.gather(*checks, return_exceptions=True)):
            if isinstance(found, Forbidden):
                violations.append(Violation(f"webhook.uris[{place}]", str(found)))
            elif isinstance(found, OSError):
                warnings.append(
                    f"the host of webhook.uris[{place}] cannot be found at present; events wait for it"
                )
            elif isinstance(found, BaseException):  # a bug
                raise found
        return warnings

    async def _after(
        self, tenant: str, names: tuple[str, ...], violations: list[Violation]
    ) -> dict[str, Job]:
        if len(names) > AFTER:
            violations.append(Violation("after", f"expected at most {AFTER} jobs, found {len(names)}"))
            return {}
        found: dict[str, Job] = {}
        for place, name in enumerate(names):
            id_ = job_of(name)
            job = await self._job(tenant, id_)
            step = follow((id_,), {id_: job})
            if job is None:
                violations.append(Violation(f"after[{place}]", f"there is no job {name[:80]!r}"))
            elif isinstance(step, Broken):
                violations.append(Violation(f"after[{place}]", step.words))
            else:
                found[id_] = job
        return found

    async def _job(self, tenant: str, id_: str) -> Job | None:
        run = self._board.get(tenant, id_)
        return run.job if run is not None else await self._lanes.read.run(self._stores.jobs.get, tenant, id_)


def job_of(name: str) -> str:
    """The id of a job, however the caller writes it."""
    for prefix in PREFIXES:
        if name.startswith(prefix):
            return name.removeprefix(prefix)
    return name
