"""What a receiver of webhooks is told when a job has ended: in the words of the dialect that the job was made in.

OpenAI's jobs give OpenAI's events. All others give Gemini's (contract 1.11); Anthropic has none of its own. Small on
purpose: no answer and no prompt is in it, who wants those asks for them.
"""

import msgspec

from backburner.core.clock import rfc3339
from backburner.core.exchange import Json
from backburner.core.job import Job, JobState
from backburner.core.names import result_file_id
from backburner.dialects.anthropic.resources import batch_id
from backburner.dialects.openai.names import Ids

_ENDS = {
    JobState.SUCCEEDED: "succeeded",
    JobState.FAILED: "failed",
    JobState.CANCELLED: "cancelled",
    JobState.EXPIRED: "expired",
}
ENDINGS = tuple(_ENDS.values())


class Event(msgspec.Struct, frozen=True):
    """`ending` is one of ENDINGS; `type` is what the receiver reads."""

    ending: str
    type: str
    body: bytes


def event_of(job: Job, id_: str, at: float) -> Event:
    """The event of a job that ended; `id_` is the event's own."""
    ending = _ENDS[job.state]
    if job.dialect == "openai":
        kind = "batch.completed" if job.state is JobState.SUCCEEDED else f"batch.{ending}"
        batch = Ids(slashed=False).batch(job.id)
        body: dict[str, Json] = {
            "id": f"evt_{id_}",
            "object": "event",
            "created_at": int(at),
            "type": kind,
            "data": {"id": batch},
        }
        return Event(ending, kind, msgspec.json.encode(body))
    kind = f"batch.{ending}"
    data: dict[str, Json] = {
        "id": batch_id(job.id) if job.dialect == "anthropic" else f"batches/{job.id}",
        "output_file_uri": f"files/{result_file_id(job.id)}",
    }
    if job.error is not None:
        data["error_code"] = job.error.code.name
        data["error_message"] = job.error.message
    if job.webhook is not None and job.webhook.metadata:
        data["user_metadata"] = job.webhook.metadata
    body = {"type": kind, "version": "v1", "timestamp": rfc3339(at), "data": data}
    return Event(ending, kind, msgspec.json.encode(body))
