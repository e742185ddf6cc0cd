"""Ids as callers write them: `batch_x` and `file-x`, or `batches/x` and `files/x` on Google's layer (contract 5.2).

Either form is taken everywhere; each base URL mints its own, and an id is told back as it was asked for.
"""

import msgspec


class Ids(msgspec.Struct, frozen=True):
    """How ids are written on one base URL."""

    slashed: bool

    def batch(self, job: str) -> str:
        return f"batches/{job}" if self.slashed else f"batch_{job}"

    def file(self, file: str) -> str:
        return f"files/{file}" if self.slashed else f"file-{file}"


def job_of(name: str) -> str:
    """The id of the job that a caller names."""
    return _bare(name, "batches/", "batch_")


def file_of(name: str) -> str:
    """The id of the file that a caller names."""
    return _bare(name, "files/", "file-")


def _bare(name: str, *prefixes: str) -> str:
    for prefix in prefixes:
        if name.startswith(prefix):
            return name.removeprefix(prefix)
    return name
