"""The progress of a job as server-sent events.

`progress` events while it runs, one `end` event when it has ended, and the stream ends; or one `gone` event when the
job was deleted. The data is a ProgressBody (an ErrorBody for `gone`). A browser's EventSource must close itself on
the last event, or it connects again.
"""

from collections.abc import AsyncIterator

import msgspec
from starlette.responses import Response

from backburner.api import answers
from backburner.api.native.errors import error_body
from backburner.api.native.shapes import progress_body
from backburner.core.errors import Refused
from backburner.service.progress import ProgressService

EVENT_STREAM = "text/event-stream"
HEADERS = {"cache-control": "no-store", "x-accel-buffering": "no"}  # a proxy must pass it on as it comes


async def watched(progress: ProgressService, tenant: str, job: str) -> Response:
    """Raises NotFound."""
    await progress.snapshot(tenant, job)
    return answers.stream(_events(progress, tenant, job), EVENT_STREAM, HEADERS)


async def _events(progress: ProgressService, tenant: str, job: str) -> AsyncIterator[bytes]:
    try:
        async for found in progress.watch(tenant, job):
            name = b"end" if found.job.ended else b"progress"
            yield _event(name, msgspec.json.encode(progress_body(found)))
    except Refused as refused:
        yield _event(b"gone", error_body(refused))


def _event(name: bytes, data: bytes) -> bytes:
    return b"event: " + name + b"\ndata: " + data + b"\n\n"
