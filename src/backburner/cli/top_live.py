"""What `backburner top` asks a server and how it draws it."""

from collections.abc import Iterator, Sequence

import msgspec
from rich.console import Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from backburner.api.native.bodies import EngineListBody, EngineModelBody, JobBody, JobListBody
from backburner.cli.client import Api
from backburner.cli.jobs_view import moment
from backburner.cli.place import Place
from backburner.cli.say import counted, rate, results, show_table
from backburner.cli.watch import Patience
from backburner.core.clock import Clock, SystemClock
from backburner.core.errors import Unavailable

UNENDED = "PENDING,RUNNING,FINALIZING"
JOBS = 200
BAR_CELLS = 12
ID_CHARS = 8  # of a job's id, enough to tell it by
ENGINE_COLUMNS = ("ENGINE", "STATUS", "MODEL", "IN FLIGHT", "CLOSED UNTIL")
JOB_COLUMNS = ("JOB", "NAME", "STATE", "DONE", "FAILED", "RATE", "LIKELY END")
STYLES = {"starting": "yellow", "down": "red"}


class Seen(msgspec.Struct, frozen=True):
    """A server at an instant: its engines, and its jobs that have not ended, newest first."""

    engines: EngineListBody
    jobs: JobListBody


async def seen(api: Api) -> Seen:
    jobs = await api.call("GET", "/jobs", JobListBody, {"state": UNENDED, "page_size": JOBS})
    return Seen(await api.call("GET", "/engines", EngineListBody), jobs)


async def look(place: Place, as_json: bool) -> None:
    async with Api(place, SystemClock()) as api:
        found = await seen(api)
    if as_json:
        body = {"engines": found.engines.engines, "jobs": found.jobs.jobs}
        results.print(msgspec.json.encode(body).decode())
    elif results.is_terminal:
        results.print(drawn(found, place.url))
    else:  # for whoever reads it with a program: never cut to a width
        show_table(ENGINE_COLUMNS, [row for row, _ in _engine_rows(found.engines)])
        show_table((*JOB_COLUMNS, "WHY"), [(*_job_row(job), job.waiting_reason) for job in found.jobs.jobs])


async def live(place: Place, every_s: float) -> None:
    """Until Ctrl-C. A server that goes away is waited for, for a while."""
    clock: Clock = SystemClock()
    patience = Patience(clock)
    async with Api(place, clock) as api:
        found = await seen(api)
        with Live(drawn(found, place.url), console=results, screen=True, auto_refresh=False) as shown:
            while True:
                await clock.sleep(every_s)
                try:
                    found = await seen(api)
                    patience.answered()
                except Unavailable as error:
                    await patience.lost(error)
                    continue
                shown.update(drawn(found, place.url), refresh=True)


def drawn(found: Seen, url: str) -> Group:
    jobs = found.jobs.jobs
    more = " or more" if found.jobs.next_page_token else ""
    speed = sum(job.rate_per_s for job in jobs)
    head = f"{url}   {counted(len(jobs), 'job')}{more} not ended   {rate(speed)}"
    waiting = [Text(f"{job.id[:ID_CHARS]}  {job.waiting_reason}") for job in jobs if job.waiting_reason]
    return Group(
        Text(head, style="bold"), Text(), _engines(found.engines), Text(), _jobs(jobs), Text(), *waiting
    )


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    """Without its rows: only names give way when the terminal is narrow."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column, cells in zip(columns, zip(columns, *rows, strict=True), strict=True):
        width = 8 if column in ("NAME", "MODEL") else max(map(len, cells))
        table.add_column(column, no_wrap=True, overflow="ellipsis", min_width=width)
    return table


def _engines(found: EngineListBody) -> Table:
    rows = list(_engine_rows(found))
    table = _table(ENGINE_COLUMNS, [row for row, _ in rows])
    for row, style in rows:
        table.add_row(*row, style=style)
    return table


def _engine_rows(found: EngineListBody) -> Iterator[tuple[tuple[str, ...], str]]:
    """Cells and style, a row for each model of each engine."""
    for engine in found.engines:
        status = f"{engine.status} {engine.reason}".strip()
        for model in engine.models or [None]:
            yield (engine.name, status, *_load(model)), STYLES.get(engine.status, "")


def _load(model: EngineModelBody | None) -> tuple[str, str, str]:
    if model is None:
        return "", "", ""
    closed = moment(model.closed_until_at, seconds=True) if model.closed_until_at else ""
    return model.id, f"{model.in_flight} of {model.limit or model.slots}", closed


def _jobs(jobs: Sequence[JobBody]) -> Table:
    rows = [(id_[:ID_CHARS], *cells) for id_, *cells in map(_job_row, jobs)]
    table = _table(JOB_COLUMNS, rows)
    table.add_column("", width=BAR_CELLS, no_wrap=True)
    for job, row in zip(jobs, rows, strict=True):
        done = job.counts.succeeded + job.counts.failed
        bar = ProgressBar(total=max(1, job.counts.total), completed=done, width=BAR_CELLS)
        table.add_row(*row, bar)
    return table


def _job_row(job: JobBody) -> tuple[str, ...]:
    done = job.counts.succeeded + job.counts.failed
    return (
        job.id,
        job.display_name,
        "HELD" if job.held else job.state,
        f"{done:,} of {job.counts.total:,}{'' if job.scanned else '+'}",
        f"{job.counts.failed:,}" if job.counts.failed else "",
        rate(job.rate_per_s) if job.rate_per_s else "",
        moment(job.estimated_completion.likely_at) if job.estimated_completion else "",
    )
