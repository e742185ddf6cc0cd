"""What a call leaves for the audit log: who made it, what it was, and what came to be by it.

Which calls are audited is a table of paths here, for all doors, so that none is forgotten in one of them; a test holds
that every route that changes something is in it.
"""

import re

import msgspec
from starlette.requests import Request
from starlette.types import Scope

from backburner.service.keys import Asker

TRAIL = "backburner.trail"
_ROOT = re.compile(
    r"/api/v1/|/openai/v1/|/v1(?:beta|alpha)?/openai/|/anthropic/v1/messages/"
    r"|/(?:upload/|download/)?v1(?:beta|alpha)?/"
)
_THING = re.compile(r"(jobs|batches|files|cachedContents|webhooks/secret)(?:/([^/:]+))?(?:[:/](\w+))?/?")
_CREATION = re.compile(r"\w+/[^:]+:(?:batchGenerateContent|asyncBatchEmbedContent)")
_NOUNS = {
    "jobs": "job",
    "batches": "job",
    "files": "file",
    "cachedContents": "cache",
    "webhooks/secret": "secret",
}
_PLURALS = {"job": "jobs", "file": "files", "cache": "cachedContents"}
# By method, whether something is named, and the verb in the path.
_ACTIONS = {
    ("POST", False, ""): "create",
    ("PUT", False, ""): "create",
    ("DELETE", True, ""): "delete",
    ("GET", True, "delete"): "delete",
    ("GET", True, "cancel"): "cancel",
    ("GET", True, "results"): "results",
    ("GET", True, "content"): "download",
    ("GET", True, "download"): "download",
}


class Trail(msgspec.Struct):
    """`made` is the id of what the call created."""

    who: Asker | None = None
    made: str = ""


class Deed(msgspec.Struct, frozen=True):
    """`job.cancel`, and `jobs/x`, empty where the path names nothing."""

    action: str
    object: str


def begun(scope: Scope) -> Trail:
    trail = scope[TRAIL] = Trail()
    return trail


def came(request: Request, who: Asker) -> None:
    if (trail := request.scope.get(TRAIL)) is not None:
        trail.who = who


def made(request: Request, id_: str) -> None:
    if (trail := request.scope.get(TRAIL)) is not None:
        trail.made = id_


def deed_of(method: str, path: str, created: str = "") -> Deed | None:
    """What a call to a path does, None for one that is not audited. `created` is the id of what it made."""
    root = _ROOT.match(path)
    rest = path[root.end() :] if root else ""
    if method == "POST" and _CREATION.fullmatch(rest):
        return Deed("job.create", f"jobs/{created}" if created else "")
    found = _THING.fullmatch(rest)
    if found is None:
        return None
    noun, id_, verb = _NOUNS[found[1]], found[2] or "", found[3] or ""
    if noun == "secret":  # of webhooks; there is one
        return Deed(f"secret.{verb or 'read'}", "")
    action = _action(method, bool(id_), verb)
    if not action:
        return None
    named = created if action in ("create", "retry") else id_
    bare = named.removeprefix("batch_").removeprefix("msgbatch_").removeprefix("file-")
    return Deed(f"{noun}.{action}", f"{_PLURALS[noun]}/{bare}" if bare else "")


def _action(method: str, named: bool, verb: str) -> str:
    if named and method == "PATCH":
        return "update"
    if named and method == "POST":
        return verb
    return _ACTIONS.get((method, named, verb), "")
