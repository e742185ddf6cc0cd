"""Whether a job that was made to follow others may start: pure."""

from collections.abc import Mapping

import msgspec

from backburner.core.job import ENDED, Job, JobState


class Waits(msgspec.Struct, frozen=True):
    """For these, in their order; when it is empty nothing holds the job back."""

    jobs: tuple[str, ...]


class Broken(msgspec.Struct, frozen=True):
    """One of them will never succeed; the words say which and why."""

    words: str


def follow(waits_for: tuple[str, ...], found: Mapping[str, Job | None]) -> Waits | Broken:
    """`found` has each job of `waits_for`, None for one that is gone."""
    for id_ in waits_for:
        job = found[id_]
        if job is None:
            return Broken(f"batches/{id_}, which this job was to follow, was deleted before it succeeded")
        if job.state in ENDED and job.state is not JobState.SUCCEEDED:
            why = f": {job.error.message}" if job.error is not None else ""
            return Broken(f"batches/{id_}, which this job was to follow, ended as {job.state}{why}")
    left = [id_ for id_ in waits_for if (job := found[id_]) is None or job.state is not JobState.SUCCEEDED]
    return Waits(tuple(left))


def waiting_words(jobs: tuple[str, ...]) -> str:
    """Why a job that follows others does not go on."""
    more = f" and {len(jobs) - 1} more" if len(jobs) > 1 else ""
    return f"waits for batches/{jobs[0]}{more} to succeed" if jobs else ""
