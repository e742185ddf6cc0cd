"""Jobs: list, get, change, cancel, hold, approve, retry, delete."""

from msgspec import UNSET
from starlette.responses import Response

from backburner.api.native import shapes
from backburner.api.native.bodies import DoneBody, JobChange, JobListBody, JobRetry
from backburner.api.native.call import Call, reply, wrong
from backburner.api.trail import made
from backburner.core.job import Job, JobState
from backburner.core.limits import PAGE_SIZE_DEFAULT, PAGE_SIZE_MAX
from backburner.store.jobs import Wanted


async def list_all(call: Call) -> Response:
    wanted = Wanted(_states(call.text("state")), call.text("model"), call.text("q").strip())
    size = call.number("page_size", PAGE_SIZE_MAX) or PAGE_SIZE_DEFAULT
    page = await call.services.jobs.list(call.tenant, size, call.text("page_token"), wanted)
    found = [await call.services.progress.of(job, tokens=False) for job in page.items]
    return reply(JobListBody([shapes.job_body(one) for one in found], page.next_token))


def _states(text: str) -> tuple[JobState, ...]:
    """`RUNNING,PENDING`, in any case of letters, also as the wire of Gemini writes them."""
    words = [word.strip().upper() for word in text.split(",") if word.strip()]
    names = [word.removeprefix("JOB_STATE_").removeprefix("BATCH_STATE_") for word in words]
    for name in names:
        if name not in JobState.__members__:
            raise wrong(
                "state", f"expected some of {', '.join(JobState)}, separated by commas, found {name!r}"
            )
    return tuple(JobState(name) for name in names)


async def get(call: Call) -> Response:
    return reply(shapes.job_body(await call.services.progress.snapshot(call.tenant, call.name)))


async def _one(call: Call, job: Job) -> Response:
    return reply(shapes.job_body(await call.services.progress.of(job, tokens=True)))


async def change(call: Call) -> Response:
    asked = await call.body(JobChange)
    if asked.priority is UNSET and asked.display_name is UNSET:
        raise wrong("body", "expected priority or display_name; nothing else can be changed")
    job = await call.services.jobs.update(
        call.tenant,
        call.name,
        priority=None if asked.priority is UNSET else asked.priority,
        display_name=None if asked.display_name is UNSET else asked.display_name,
    )
    return await _one(call, job)


async def cancel(call: Call) -> Response:
    await call.services.jobs.cancel(call.tenant, call.name)
    return await get(call)


async def hold(call: Call) -> Response:
    return await _one(call, await call.services.jobs.hold(call.tenant, call.name))


async def approve(call: Call) -> Response:
    return await _one(call, await call.services.jobs.approve(call.tenant, call.name))


async def retry(call: Call) -> Response:
    asked = await call.body(JobRetry, JobRetry())
    job = await call.services.retries.retry(call.tenant, call.name, whole=asked.whole)
    made(call.request, job.id)
    return await _one(call, job)


async def delete(call: Call) -> Response:
    await call.services.jobs.delete(call.tenant, call.name)
    return reply(DoneBody())
