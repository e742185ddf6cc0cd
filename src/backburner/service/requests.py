"""Requests of a job beside their outcomes, page by page, for a person who looks into it.

In input order, or only those that failed, in the order of commit. A page is bounded by rows and by bytes.
"""

from contextlib import suppress

import msgspec

from backburner.core.errors import NotFound
from backburner.core.job import Job
from backburner.core.lanes import Lanes
from backburner.core.limits import MIB
from backburner.core.request import FROM_CACHE, line_of
from backburner.service import cursors
from backburner.service.results import published_lines
from backburner.store.ledger_view import AttemptRow, LedgerView, OutcomeRow, RequestRow
from backburner.store.stores import Stores

PAGE_DEFAULT = 50
PAGE_MAX = 500
PAGE_BYTES = 8 * MIB


class RequestView(msgspec.Struct, frozen=True):
    """One request. `request` is its line of the input, None when the input is gone; `result` its line of the
    results, None where there is none yet."""

    row: RequestRow
    request: bytes | None
    outcome: OutcomeRow | None
    result: bytes | None
    attempts: list[AttemptRow]


class RequestPage(msgspec.Struct, frozen=True):
    """`cursor` is empty on the last page."""

    items: list[RequestView]
    cursor: str = ""


class RequestService:
    def __init__(self, stores: Stores, lanes: Lanes) -> None:
        self._stores = stores
        self._lanes = lanes

    async def page(self, job: Job, *, failed: bool, cursor: str, limit: int = PAGE_DEFAULT) -> RequestPage:
        """Raises InvalidArgument for a cursor of the other kind, NotFound when the job is gone."""
        after = cursors.decode(cursor, _kind(failed)) if cursor else 0
        try:
            return await self._lanes.read.run(self._page, job, failed, after, min(max(1, limit), PAGE_MAX))
        except FileNotFoundError:
            raise NotFound("Requested entity was not found.", reason="JOB_NOT_FOUND") from None

    def _page(self, job: Job, failed: bool, after: int, limit: int) -> RequestPage:
        with self._stores.ledgers.view(job.id) as view:
            rows, outcomes = self._failed(view, after, limit) if failed else self._all(view, after, limit)
            more = len(rows) > limit
            shown = _within(rows[:limit], outcomes)
            ordinals = [row.ordinal for row in shown]
            attempts = view.attempts(ordinals)
            bodies = view.bodies(
                [x.seq for o in ordinals if (x := outcomes.get(o)) and x.body_bytes is not None]
            )
        results = self._results(job, shown, outcomes, {seq: body for seq, (body, _) in bodies.items()})
        requests = self._lines(job, shown)
        items = [
            RequestView(
                row,
                requests.get(row.ordinal),
                outcomes.get(row.ordinal),
                results.get(row.ordinal),
                attempts[row.ordinal] + _reuse(outcomes.get(row.ordinal)),
            )
            for row in shown
        ]
        if not items or not (more or len(shown) < len(rows)):
            return RequestPage(items)
        last = outcomes[shown[-1].ordinal].seq if failed else shown[-1].ordinal + 1
        return RequestPage(items, cursors.encode(_kind(failed), last))

    @staticmethod
    def _all(view: LedgerView, after: int, limit: int) -> tuple[list[RequestRow], dict[int, OutcomeRow]]:
        rows = view.requests_from(after, limit + 1)
        return rows, view.outcomes_between(rows[0].ordinal, rows[-1].ordinal) if rows else {}

    @staticmethod
    def _failed(view: LedgerView, after: int, limit: int) -> tuple[list[RequestRow], dict[int, OutcomeRow]]:
        found = view.errors_after(after, limit + 1)
        rows = view.requests([outcome.ordinal for outcome in found])
        return [rows[x.ordinal] for x in found], {outcome.ordinal: outcome for outcome in found}

    def _results(
        self, job: Job, rows: list[RequestRow], outcomes: dict[int, OutcomeRow], bodies: dict[int, bytes]
    ) -> dict[int, bytes]:
        """Lines by ordinal. In a job that has ended also those of requests that never had their turn."""
        found: dict[int, bytes] = {}
        elsewhere: list[int] = []
        for row in rows:
            outcome = outcomes.get(row.ordinal)
            body = bodies.get(outcome.seq) if outcome is not None else None
            if body is not None:
                found[row.ordinal] = line_of(row.echo, body)
            elif outcome is not None or job.results_blob is not None:
                elsewhere.append(row.ordinal)
        with suppress(FileNotFoundError):  # their time was up
            found.update(published_lines(self._stores, job, elsewhere) if elsewhere else ())
        return found

    def _lines(self, job: Job, rows: list[RequestRow]) -> dict[int, bytes]:
        try:
            lines = self._stores.blobs.read_ranges(job.input_blob, [(row.offset, row.length) for row in rows])
        except FileNotFoundError:  # an ended job holds its input no longer
            return {}
        return {row.ordinal: line for row, line in zip(rows, lines, strict=True)}


def _reuse(outcome: OutcomeRow | None) -> list[AttemptRow]:
    """What stands for an attempt where an answer was reused: it took no time and cost nothing. One that came from the
    answer cache has a real one."""
    if outcome is None or outcome.reused_from in (None, FROM_CACHE):
        return []
    x = outcome
    return [AttemptRow(x.ordinal, x.engine, x.at, x.at, "", "", x.model, x.usage, x.reused_from)]


def _within(rows: list[RequestRow], outcomes: dict[int, OutcomeRow]) -> list[RequestRow]:
    """As many as PAGE_BYTES allow, at least one."""
    taken_bytes = 0
    for place, row in enumerate(rows):
        outcome = outcomes.get(row.ordinal)
        taken_bytes += row.length + (outcome.body_bytes or 0 if outcome else 0)
        if taken_bytes > PAGE_BYTES:
            return rows[: max(1, place)]
    return rows


def _kind(failed: bool) -> str:
    return "error" if failed else "request"
