"""Resource names: minted here, parsed here, refused here.

Ids are lowercase letters and digits because the official SDKs cut a file id at the first other character
when it comes as an https URI (contract 2.4).
"""

import re
import secrets
import string

from backburner.core.errors import InvalidArgument, Violation
from backburner.core.limits import FILE_NAME_CHARS

_ALPHABET = string.ascii_lowercase + string.digits
_FILE_ID = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?")
_FILE_URI = re.compile(
    r"^(?:https?://[^/]+)?(?:/[^?#]*)?/?(?:download/)?(?:v1beta|v1alpha|v1)?/?files/([^/?#:]+)"
)


def mint(length: int) -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))


def job_id() -> str:
    """36 characters, as the real service mints them (contract 1.4)."""
    return mint(36)


def file_id() -> str:
    return mint(12)


def result_file_id(job: str) -> str:
    """The file that holds a job's results; known from the moment the job exists."""
    return f"batch-{job}"


def errors_file_id(job: str) -> str:
    """The file of requests without an answer, in dialects that have them apart."""
    return f"errors-{job}"


def cache_id() -> str:
    return mint(24)


def upload_id() -> str:
    """A capability: the data requests of an upload carry no key (contract 0.3), so 160 bits of chance."""
    return secrets.token_urlsafe(20)


def checked_file_id(name: str) -> str:
    """The id of a file name chosen by a caller (`files/my-name` or `my-name`). Raises InvalidArgument."""
    found = name.removeprefix("files/")
    if len(found) > FILE_NAME_CHARS or not _FILE_ID.fullmatch(found):
        raise InvalidArgument(
            f"file name {name!r} is not allowed",
            violations=[
                Violation(
                    "file.name",
                    f"expected up to {FILE_NAME_CHARS} lowercase letters, digits or dashes, "
                    f"not starting or ending with a dash, found {name!r}",
                    "Write for example files/my-input-1, or leave the name out and take the one we mint",
                )
            ],
        )
    return found


def file_id_of(reference: str) -> str | None:
    """The file id in `files/x`, a bare id, or any URI of ours; None when it names no file."""
    if reference.startswith("files/"):
        rest = reference.removeprefix("files/")
        if "://" in rest:  # the SDKs glue a plain-http URI behind `files/` (contract 2.4)
            return file_id_of(rest)
        return rest or None
    if "://" in reference:
        match = _FILE_URI.match(reference)
        return match.group(1) if match else None
    return reference if _FILE_ID.fullmatch(reference) else None
