"""What the commands of `backburner jobs` ask a server. Each function makes its own connection."""

from collections.abc import Mapping
from pathlib import Path

from backburner.api.native.bodies import (
    DoneBody,
    JobBody,
    JobListBody,
    ProgressBody,
    RequestBody,
    RequestListBody,
)
from backburner.cli import files_asked, jobs_results
from backburner.cli.client import Api
from backburner.cli.place import Place
from backburner.cli.watch import display, progress_of
from backburner.core.clock import SystemClock
from backburner.core.errors import InvalidArgument, NotFound

ID_CHARS = 36
PAGE = 500
NAMED = 5


async def resolved(api: Api, text: str) -> str:
    """The id of the job that a person means. Raises NotFound, InvalidArgument when it could be several."""
    short = text.removeprefix("batches/").removeprefix("jobs/")
    if len(short) >= ID_CHARS and short.isalnum():
        return short
    page = await api.call("GET", "/jobs", JobListBody, {"q": short, "page_size": PAGE})
    found = [job.id for job in page.jobs if job.id.startswith(short) or job.display_name == short]
    if not found:
        raise NotFound(
            f"there is no job with the name or the start of an id {short!r}: `backburner jobs list`"
        )
    if len(found) > 1:
        more = ", ..." if len(found) > NAMED else ""
        raise InvalidArgument(
            f"{short!r} could be any of {len(found)} jobs: {', '.join(found[:NAMED])}{more}"
        )
    return found[0]


async def listed(place: Place, query: dict[str, str], limit: int) -> tuple[list[JobBody], bool]:
    """Up to `limit` jobs (0: all), and whether there are more."""
    found: list[JobBody] = []
    token = ""
    async with Api(place, SystemClock()) as api:
        while True:
            size = min(PAGE, limit - len(found)) if limit else PAGE
            page = await api.call(
                "GET", "/jobs", JobListBody, {**query, "page_size": size, "page_token": token}
            )
            found += page.jobs
            token = page.next_page_token
            if not token or (limit and len(found) >= limit):
                return found, bool(token)


async def shown(place: Place, job: str) -> tuple[JobBody, bytes]:
    """The job, and the JSON that it came as."""
    async with Api(place, SystemClock()) as api:
        return await api.raw("GET", f"/jobs/{await resolved(api, job)}", JobBody)


async def requests(place: Place, job: str, failed: bool, limit: int) -> tuple[list[RequestBody], bool]:
    """Up to `limit` requests (0: all), and whether there are more."""
    found: list[RequestBody] = []
    cursor = ""
    async with Api(place, SystemClock()) as api:
        path = f"/jobs/{await resolved(api, job)}/requests"
        while True:
            size = min(PAGE, limit - len(found)) if limit else PAGE
            query = {"failed": str(failed).lower(), "page_size": size, "cursor": cursor}
            page = await api.call("GET", path, RequestListBody, query)
            found += page.requests
            cursor = page.next_cursor
            if not cursor or (limit and len(found) >= limit):
                return found, bool(cursor)


async def watched(place: Place, job: str, as_json: bool) -> ProgressBody:
    """Shows the progress until the end, and returns that."""
    clock = SystemClock()
    last: ProgressBody | None = None
    async with Api(place, clock) as api:
        id_ = await resolved(api, job)
        shown = display(clock, as_json)
        try:
            async for last, data in progress_of(api, id_, clock):
                shown.show(last, data)
        finally:
            shown.close()
    assert last is not None, "the stream ends with the end of the job"
    return last


async def fetched(place: Place, job: str, out: Path | None, order: str) -> None:
    async with Api(place, SystemClock()) as api:
        found = await api.call("GET", f"/jobs/{await resolved(api, job)}", JobBody)
        await jobs_results.fetch(api, found, out, order)


async def followed(place: Place, job: str, out: Path | None) -> None:
    clock = SystemClock()
    async with Api(place, clock) as api:
        found = await api.call("GET", f"/jobs/{await resolved(api, job)}", JobBody)
        await jobs_results.follow(api, found, out, clock)


async def created(
    place: Place, path: Path, asked: Mapping[str, object], after: tuple[str, ...]
) -> tuple[JobBody, bytes]:
    """Uploads the file and makes a job of it. What it is to follow is looked for first."""
    async with Api(place, SystemClock()) as api:
        followed = [await resolved(api, job) for job in after]
    file = await files_asked.uploaded(place, path, path.name)
    async with Api(place, SystemClock()) as api:
        return await api.raw("POST", "/jobs", JobBody, body={**asked, "file": file.name, "after": followed})


async def steered(
    place: Place, job: str, verb: str, body: dict[str, object] | None = None
) -> tuple[JobBody, bytes]:
    """What the job is after the verb, or the new one that it made."""
    async with Api(place, SystemClock()) as api:
        return await api.raw("POST", f"/jobs/{await resolved(api, job)}:{verb}", JobBody, body=body)


async def deleted(place: Place, job: str) -> str:
    async with Api(place, SystemClock()) as api:
        id_ = await resolved(api, job)
        await api.call("DELETE", f"/jobs/{id_}", DoneBody)
        return id_
