"""Bugs put in on purpose, one at a time: checkers that see none of them would prove nothing.

A bug is a wrapper around a method of ours, or a line of one written otherwise. A line that is no longer there fails
loudly: write the bug anew against the code as it is.
"""

import inspect
import sys
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import msgspec
import pytest

from backburner.policy.pace import Pace
from backburner.store.followers import Followers
from backburner.store.jobs import Jobs
from backburner.store.ledger import Ledger
from backburner.store.ledger_reader import LedgerReader
from backburner.store.sqlite import transaction
from backburner.store.stores import Stores
from backburner.work.dispatch import Dispatcher
from backburner.work.slots import Slots
from backburner.work.window import Window
from tests.sim.scenario import draw
from tests.sim.world import Violation, simulate

SEEDS = 60  # in which each of them must show

Patch = pytest.MonkeyPatch


class Caught(msgspec.Struct, frozen=True):
    bug: str
    seed: int
    violation: Violation


def committed_twice(patch: Patch) -> None:
    """The first outcome of a group is written again."""
    commit = Ledger.commit

    def twice(self: Ledger, *args: Any) -> Any:
        fresh = commit(self, *args)
        if fresh:
            with transaction(self._open()) as db:
                self.last_seq = self._insert_outcomes(db, fresh[:1])
        return fresh

    patch.setattr(Ledger, "commit", twice)


def lost_on_cancel(patch: Patch) -> None:
    """The last outcome goes when the job ends."""
    seal = Ledger.seal

    def losing(self: Ledger) -> None:
        seal(self)
        with transaction(self._open()) as db:
            db.execute("DELETE FROM outcome WHERE seq = ?", (self.last_seq,))

    patch.setattr(Ledger, "seal", losing)


def no_fence_behind_cancel(patch: Patch) -> None:
    """A job that is cancelled while its attempts are being recorded is called all the same."""
    rewrite(patch, Dispatcher, "_launch", "if run.job.ended or self._stopping:", "if self._stopping:")


def pace_over_its_cap(patch: Patch) -> None:
    """One more than there is room for."""
    room = Pace.room
    patch.setattr(Pace, "room", lambda self, *args: room(self, *args) + 1)


def retry_after_ignored(patch: Patch) -> None:
    """The door is not closed for as long as the engine asked."""
    patch.setattr(Slots, "closed_until", lambda self, engine: float("-inf"))


def answers_swapped(patch: Patch) -> None:
    """The first two requests are published with each other's outcome."""
    seqs = LedgerReader.seqs

    def swapped(self: LedgerReader, total: int) -> Any:
        found = seqs(self, total)
        if total > 1:
            found[0], found[1] = found[1], found[0]
        return found

    patch.setattr(LedgerReader, "seqs", swapped)


def tokens_counted_twice(patch: Patch) -> None:
    count = Ledger._count

    def twice(self: Ledger, outcomes: Any, seq: int) -> None:
        count(self, outcomes, seq)
        for lane, usage in self.used.items():
            self.used[lane] = msgspec.structs.replace(usage, prompt=2 * usage.prompt)

    patch.setattr(Ledger, "_count", twice)


def follower_orphaned(patch: Patch) -> None:
    """When a leader fails nobody runs in its place: who followed it waits for ever."""
    patch.setattr(Followers, "_run_others", lambda self, leader, waiting, lost: None)


def retry_forgotten(patch: Patch) -> None:
    """A request that is to be tried again never comes back."""
    patch.setattr(Window, "wait", lambda self, request, due: None)


def blobs_left_behind(patch: Patch) -> None:
    patch.setattr(Stores, "delete_blob_unless_used", lambda self, blob: True)


def creation_forgotten(patch: Patch) -> None:
    """An Idempotency-Key that is shown again finds nothing."""
    insert = Jobs.insert
    patch.setattr(Jobs, "insert", lambda self, job, pins, idempotency=None: insert(self, job, pins))


@dataclass(frozen=True)
class Bug:
    """`seed` is one that saw it when this was written: tried first."""

    plant: Callable[[Patch], None]
    seed: int
    checkers: tuple[str, ...]  # who may see it

    @property
    def name(self) -> str:
        return self.plant.__name__


BUGS = (
    Bug(committed_twice, 0, ("outcomes_stay", "sums_agree")),
    Bug(lost_on_cancel, 1, ("outcomes_stay", "sums_agree", "every_byte_is_sound")),
    Bug(no_fence_behind_cancel, 61, ("nothing_after_cancel",)),
    Bug(pace_over_its_cap, 0, ("pace_is_kept",)),
    Bug(retry_after_ignored, 0, ("retry_after_is_kept",)),
    Bug(answers_swapped, 0, ("results_are_the_models",)),
    Bug(tokens_counted_twice, 0, ("usage_adds_up",)),
    Bug(follower_orphaned, 0, ("everyone_is_served",)),
    Bug(retry_forgotten, 0, ("everyone_is_served",)),
    Bug(blobs_left_behind, 0, ("nothing_is_orphaned",)),
    Bug(creation_forgotten, 0, ("one_job_per_creation",)),
)


def rewrite(patch: Patch, owner: type, method: str, line: str, otherwise: str) -> None:
    """A method with one piece of its text written otherwise."""
    source = textwrap.dedent(inspect.getsource(getattr(owner, method)))
    assert source.count(line) == 1, f"{owner.__name__}.{method} no longer has {line!r} once"
    made: dict[str, Any] = {}
    exec(source.replace(line, otherwise), vars(sys.modules[owner.__module__]), made)
    patch.setattr(owner, method, made[method])


def caught(bug: Bug) -> Caught | None:
    """By which seed and checker a bug is seen first; None when it never is."""
    with pytest.MonkeyPatch.context() as patch:
        bug.plant(patch)
        for seed in dict.fromkeys((bug.seed, *range(SEEDS))):
            report = simulate(draw(seed))
            if report.violations:
                return Caught(bug.name, seed, report.violations[0])
    return None


def table() -> Iterator[str]:
    yield "| planted bug | seed | checker | what it saw |"
    yield "|---|---:|---|---|"
    for bug in BUGS:
        name = bug.name.replace("_", " ")
        found = caught(bug)
        if found is None:
            yield f"| {name} | none of {SEEDS} | NOT CAUGHT | |"
        else:
            yield f"| {name} | {found.seed} | `{found.violation.checker}` | {found.violation.what[:110]} |"
