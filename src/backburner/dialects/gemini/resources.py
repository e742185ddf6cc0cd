"""Jobs, files, caches and models as JSON of the Gemini wire (contract 1.4, 2.3, 3.1, 4; design, section 8).

Every function returns a plain dict for `msgspec.json.encode`; inline results travel in it as ready bytes
(msgspec.Raw). int64 fields are strings, instants RFC 3339, and no object is ever null: the SDKs fail on that.
"""

import base64
from collections.abc import Iterable, Mapping
from enum import StrEnum

import msgspec

from backburner.core.clock import rfc3339
from backburner.core.errors import Code
from backburner.core.exchange import Json
from backburner.core.job import Job, JobError, JobKind, JobState
from backburner.core.names import result_file_id

_PACKAGE = "type.googleapis.com/google.ai.generativelanguage.v1main."
_BATCH = {JobKind.GENERATE: "GenerateContentBatch", JobKind.EMBED: "EmbedContentBatch"}
_ENDINGS = {
    JobState.FAILED: JobError(Code.INTERNAL, "The job failed."),
    JobState.CANCELLED: JobError(Code.CANCELLED, "The operation was cancelled."),
    JobState.EXPIRED: JobError(
        Code.DEADLINE_EXCEEDED, "The job expired before it was done; its output holds what was answered."
    ),
}


class StatePrefix(StrEnum):
    """What job states are called: as documented (JOB), or as the real service really sends them (BATCH)."""

    JOB = "JOB_STATE_"
    BATCH = "BATCH_STATE_"


def state_name(state: JobState, prefix: StatePrefix = StatePrefix.JOB) -> str:
    shown = JobState.RUNNING if state is JobState.FINALIZING else state
    return f"{prefix.value}{shown.value}"


def operation(
    job: Job,
    *,
    inline: msgspec.Raw | None = None,
    prefix: StatePrefix = StatePrefix.JOB,
    more: Mapping[str, Json] | None = None,
) -> dict[str, Json]:
    """The Operation of a job. `inline` is what `inline_items` made of the results of an inline job (None
    leaves them out, as lists do); `more` adds members to the metadata."""
    batch = batch_resource(job, inline=inline, prefix=prefix, more=more)
    out: dict[str, Json] = {
        "name": batch["name"],
        "metadata": {"@type": _PACKAGE + _BATCH[job.kind], **batch},
        "done": job.ended,
    }
    if job.state in _ENDINGS:
        error = job.error or _ENDINGS[job.state]
        out["error"] = {"code": int(error.code), "message": error.message}
    elif job.ended:
        out["response"] = {"@type": f"{_PACKAGE}{_BATCH[job.kind]}Output", **batch.get("output", {})}
    return out


def batch_resource(
    job: Job,
    *,
    inline: msgspec.Raw | None = None,
    prefix: StatePrefix = StatePrefix.JOB,
    more: Mapping[str, Json] | None = None,
) -> dict[str, Json]:
    """The batch itself: an Operation's metadata, and the answer of the update methods."""
    out: dict[str, Json] = {
        "name": f"batches/{job.id}",
        "model": model_name(job.model),
        "displayName": job.display_name,
        "createTime": rfc3339(job.created_at),
        "updateTime": rfc3339(job.updated_at),
        "batchStats": _stats(job),
        "state": state_name(job.state, prefix),
        "priority": str(job.priority),
    }
    if job.input_name is not None:
        out["inputConfig"] = {"fileName": job.input_name}
    if job.started_at is not None:
        out["startTime"] = rfc3339(job.started_at)
    if job.ended_at is not None:
        out["endTime"] = rfc3339(job.ended_at)
    if job.warnings:
        out["warnings"] = list(job.warnings)
    if job.webhook is not None:
        out["webhookConfig"] = {"uris": list(job.webhook.uris), "userMetadata": job.webhook.metadata}
    if job.after:
        out["after"] = [f"batches/{id_}" for id_ in job.after]
    output = _output(job, inline)
    if output:
        out["output"] = output
    if more:
        out.update(more)
    return out


def model_name(model: str) -> str:
    return model if model.startswith(("models/", "tunedModels/", "dynamic/")) else f"models/{model}"


def _stats(job: Job) -> dict[str, str]:
    return {
        "requestCount": str(job.counts.total),
        "successfulRequestCount": str(job.counts.succeeded),
        "failedRequestCount": str(job.counts.failed),
        "pendingRequestCount": str(job.counts.pending),
    }


def _output(job: Job, inline: msgspec.Raw | None) -> dict[str, Json]:
    """Also for jobs that did not succeed: what was answered is theirs (contract 7.17)."""
    if not job.ended:
        return {}
    if job.input_name is not None:
        return {"responsesFile": f"files/{result_file_id(job.id)}"} if job.results_blob else {}
    return {"inlinedResponses": {"inlinedResponses": inline}} if inline is not None else {}


def inline_items(lines: Iterable[bytes], *, python_reader: bool = False) -> msgspec.Raw:
    """Published result lines as one JSON list. The Python SDK cannot read metadata that is not strings."""
    items = [line.strip() for line in lines]
    kept = [readable_by_python(item) if python_reader else item for item in items if item]
    return msgspec.Raw(b"[" + b",".join(kept) + b"]")


class _Item(msgspec.Struct):
    metadata: dict[str, msgspec.Raw] | None = None


_item = msgspec.json.Decoder(_Item)
_members = msgspec.json.Decoder(dict[str, msgspec.Raw])


def readable_by_python(item: bytes) -> bytes:
    """The item with every metadata value a string: those that are not become their JSON text."""
    if b'"metadata"' not in item:
        return item
    metadata = _item.decode(item).metadata
    if not metadata or all(bytes(value[:1]) == b'"' for value in map(memoryview, metadata.values())):
        return item
    members: dict[str, Json] = dict(_members.decode(item))
    members["metadata"] = {
        name: value if bytes(value).startswith(b'"') else bytes(value).decode()
        for name, value in metadata.items()
    }
    return msgspec.json.encode(members)


class FileView(msgspec.Struct, frozen=True, kw_only=True):
    """A file as the wire shows it. `sha256` is the hex digest; `generated` marks result files."""

    id: str
    mime_type: str
    size_bytes: int
    created_at: float
    updated_at: float
    expire_at: float
    display_name: str = ""
    sha256: str = ""
    generated: bool = False


def file_object(file: FileView, base_url: str) -> dict[str, Json]:
    """`base_url` is the server's own address as this caller sees it, path prefix included."""
    uri = f"{base_url.rstrip('/')}/v1beta/files/{file.id}"
    out: dict[str, Json] = {
        "name": f"files/{file.id}",
        "mimeType": file.mime_type,
        "sizeBytes": str(file.size_bytes),
        "createTime": rfc3339(file.created_at),
        "updateTime": rfc3339(file.updated_at),
        "expirationTime": rfc3339(file.expire_at),
        "uri": uri,
        "state": "ACTIVE",
        "source": "GENERATED" if file.generated else "UPLOADED",
    }
    if file.display_name:
        out["displayName"] = file.display_name
    if file.sha256:
        # base64 of the hex digest's text: an oddity of the real service, which clients compare with
        out["sha256Hash"] = base64.b64encode(file.sha256.encode()).decode()
    if file.generated:
        out["downloadUri"] = f"{uri}:download?alt=media"
    return out


class CacheView(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    model: str
    created_at: float
    updated_at: float
    expire_at: float
    display_name: str = ""
    tokens: int = 0


def cache_object(cache: CacheView) -> dict[str, Json]:
    """The resource without its contents, as the real service answers."""
    out: dict[str, Json] = {
        "name": f"cachedContents/{cache.id}",
        "model": model_name(cache.model),
        "createTime": rfc3339(cache.created_at),
        "updateTime": rfc3339(cache.updated_at),
        "expireTime": rfc3339(cache.expire_at),
        "usageMetadata": {"totalTokenCount": cache.tokens},
    }
    if cache.display_name:
        out["displayName"] = cache.display_name
    return out


class ModelView(msgspec.Struct, frozen=True, kw_only=True):
    """`version` is the model that really answers; limits are 0 where not known."""

    id: str
    version: str
    display_name: str = ""
    description: str = ""
    input_tokens: int = 0
    output_tokens: int = 0
    chat: bool = True
    embed: bool = False
    thinking: bool = False


def model_object(model: ModelView) -> dict[str, Json]:
    methods: list[str] = []
    if model.chat:
        methods += ["generateContent", "countTokens", "batchGenerateContent", "createCachedContent"]
    if model.embed:
        methods += ["embedContent", "batchEmbedContents", "asyncBatchEmbedContent", "countTokens"]
    out: dict[str, Json] = {
        "name": model_name(model.id),
        "baseModelId": model.id.removeprefix("models/"),
        "version": model.version,
        "displayName": model.display_name or model.id,
        "description": model.description,
        "supportedGenerationMethods": list(dict.fromkeys(methods)),
    }
    if model.input_tokens:
        out["inputTokenLimit"] = model.input_tokens
    if model.output_tokens:
        out["outputTokenLimit"] = model.output_tokens
    if model.chat:
        out.update(temperature=1, maxTemperature=2, topP=1)
    if model.thinking:
        out["thinking"] = True
    return out
