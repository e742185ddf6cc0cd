"""The promises, each a small function that looks at the world and says in words what is broken.

Numbers in brackets are those of the reliability notes, section 3.1. Three moments: when a call begins, when one
looks at a running service (every few turns), and at the end of a run, when everything has come to rest.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import TYPE_CHECKING

from backburner.core.job import ENDED, TRANSITIONS
from backburner.core.limits import ATTEMPTS
from backburner.store.verify import verify
from tests.sim import insight
from tests.sim.clients import Story
from tests.sim.doors import Item
from tests.sim.faults import Made
from tests.sim.scenario import Line

if TYPE_CHECKING:
    from tests.sim.world import World

Complaints = Iterator[str]
CHARGED = ("transient", "timeout", "died", "killed")


# -- when a call begins


def nothing_after_cancel(world: "World", made: Made) -> Complaints:
    """[7] Once a job has ended, and the more once its cancel or delete was answered, no call of it begins."""
    story = world.by_id.get(made.job)
    if world.service.house is not None and insight.has_ended(world.service.house, made.job):
        yield f"request {made.ordinal} of {made.job} is called though the job has ended"
    if story is not None and (story.cancelled_at is not None or story.deleted_at is not None):
        yield f"request {made.ordinal} of {story.plan.name} is called after its cancel was answered"


def pace_is_kept(world: "World", made: Made) -> Complaints:
    """[8] In flight at an engine are never more than the pace allows, nor than its cap."""
    lane = (made.engine, made.model)
    if not made.job or lane not in world.paces:
        return
    limit, cap = world.paces[lane]
    engine = world.engines[made.engine]
    count = sum(1 for each in engine.in_flight if each.job and each.model == made.model)
    if count > min(cap, engine.slots):
        yield f"{count} calls are in flight at {lane}, whose cap is {min(cap, engine.slots)}"
    if count > max(1, int(limit)):
        yield f"{count} calls are in flight at {lane}, whose pace is {limit:.2f}"


def retry_after_is_kept(world: "World", made: Made) -> Complaints:
    """[9] An engine that said when to come back is left alone until then."""
    told_at, until = world.closed.get((made.engine, made.model, made.life), (0.0, 0.0))
    if made.job and told_at + world.slack_s < world.now < until - 1e-6:
        yield f"{made.engine} is called {until - world.now:.2f} s before its Retry-After is over"


# -- while it runs


def sums_agree(world: "World") -> Complaints:
    """[1] What is counted of a job is what its ledger holds."""
    for job, run in world.runs.items():
        kinds = Counter(row.kind for row in world.seen[job].values())
        counted = {"answer": run.counts.succeeded, "error": run.counts.failed}
        if any(kinds[kind] != count for kind, count in counted.items()):
            yield f"{job}: counted {counted}, in the ledger {dict(kinds)}"
        if run.counts.pending < 0:
            yield f"{job}: {run.counts} leaves less than nothing"


def usage_adds_up(world: "World") -> Complaints:
    """[5] The tokens of a job are the sum of its outcomes', those that were reused not among them, and never below
    zero."""
    for job, run in world.runs.items():
        rows = [row for row in world.seen[job].values() if not row.reused]
        prompt, cached, output = (sum(row.usage[n] for row in rows) for n in range(3))
        usage = run.usage
        if (prompt, cached, output) != (usage.prompt, usage.cached, usage.output) or min(prompt, output) < 0:
            yield f"{job}: says {usage}, its outcomes add up to {(prompt, cached, output)}"


def states_go_forward(world: "World") -> Complaints:
    """[2] A job that ended stays as it is; the others move along the table only."""
    for job, run in world.runs.items():
        before = world.states.get(job, run.state)
        reachable = {before}
        for _ in TRANSITIONS:
            reachable |= {onward for state in reachable for onward in TRANSITIONS[state]}
        if run.state not in reachable:
            yield f"{job} went from {before} to {run.state}"
        world.states[job] = run.state


def no_loop_broke(world: "World") -> Complaints:
    """The service does not look alive without one of its loops."""
    if world.service.house is not None and (error := insight.broken(world.service.house)) is not None:
        yield f"{type(error).__name__}: {error}"


# -- when the ledger is read again


def outcomes_stay(known: dict[int, insight.Row], read: list[insight.Row]) -> Complaints:
    """[3] A request has one outcome, which never changes; seq only grows. `read` is all that is in the ledger."""
    for row, after in pairwise(read):
        if after.seq <= row.seq:
            yield f"seq {after.seq} stands behind {row.seq}"
    for ordinal, count in Counter(row.ordinal for row in read).items():
        if count > 1:
            yield f"request {ordinal} has {count} outcomes"
    now = {row.ordinal: row for row in read}
    for ordinal, row in known.items():
        if ordinal not in now:
            yield f"the outcome of request {ordinal} is gone"
        elif _fixed(now[ordinal], row.body) != _fixed(row, now[ordinal].body):
            yield f"the outcome of request {ordinal} has changed"


def _fixed(row: insight.Row, other_body: bytes | None) -> tuple[object, ...]:
    body = row.body if row.body is not None and other_body is not None else None
    return (row.seq, row.kind, row.code, row.usage, body)


# -- when a client has its results


def results_are_the_models(world: "World", story: Story) -> Complaints:
    """[12] Every key once, in input order, and to each what the echo says to it, or an error for a reason."""
    assert story.items is not None
    lines = {line.key: line for line in story.plan.lines}
    keys = [item.key for item in story.items]
    if (
        not story.scanned and story.state != "SUCCEEDED"
    ):  # it was ended before all of its lines were seen: the others are not known
        lines = {line.key: line for line in story.plan.lines[: len(keys)]}
    if sorted(keys) != sorted(lines):
        missing, extra = set(lines) - set(keys), [key for key, n in Counter(keys).items() if n > 1]
        yield f"{story.plan.name}: {len(keys)} lines for {len(lines)} requests; missing {missing}, twice {extra}"
        return
    place = {line.key: n for n, line in enumerate(story.plan.lines)}
    for part in (story.items,) if story.plan.door == "gemini" else _apart(story.items):
        if [item.key for item in part] != sorted((item.key for item in part), key=place.__getitem__):
            yield f"{story.plan.name}: results are not in input order"
    for item in story.items:
        if why := _wrong(world, story, lines[item.key], item, place[item.key]):
            yield f"{story.plan.name} {item.key}: {why}"


def _apart(items: list[Item]) -> tuple[list[Item], list[Item]]:
    return [x for x in items if x.text is not None], [x for x in items if x.text is None]


def _wrong(world: "World", story: Story, line: Line, item: Item, ordinal: int) -> str:
    """What is wrong with one result, in words."""
    calls = world.calls_of(story.id, ordinal)
    if item.text is not None:
        if line.wrong:
            return f"a wrong line has the answer {item.text!r}"
        spoilt = {made.said or "" for made in world.calls_to(line.text) if made.ended == "answer"}
        good = {line.expected} if any(made.ended == "answer" for made in world.calls_to(line.text)) else set()
        if item.text not in good and not (item.text in spoilt and item.text != line.expected):
            return f"answered {item.text!r} instead of {line.expected!r}"
        return ""
    if story.state != "SUCCEEDED" or line.wrong or "refused" in line.text or "poison" in line.text:
        return ""
    if any(made.killer for made in calls):  # it may have been alone by then, and so charged with it
        return ""
    charged = sum(1 for made in calls if made.ended in CHARGED)
    spoilt = any(made.ended == "answer" and not made.said for made in world.calls_to(line.text))
    if charged < ATTEMPTS and not spoilt:
        return f"ended as an error ({item.error}) after {[made.ended for made in calls]}"
    return ""


def end_is_justified(world: "World", story: Story) -> Complaints:
    """[11] A job succeeds, unless its client cancelled it or its whole canary was refused."""
    refused = sum("refused" in line.text for line in story.plan.lines)
    if story.state == "CANCELLED" and story.cancel_asked:
        return
    if story.state == "FAILED" and refused >= 4:
        return
    if story.state != "SUCCEEDED":
        yield f"{story.plan.name} ended as {story.state}"


def one_job_per_creation(world: "World", story: Story) -> Complaints:
    """A create that is asked again with its Idempotency-Key finds the job that it made."""
    if len(story.ids) > 1:
        yield f"{story.plan.name} was created {len(story.ids)} times"


# -- at the end


def everyone_is_served(world: "World") -> Complaints:
    """[11] With faults off every job comes to its end in time."""
    for story in world.stories:
        if story.ended_at is None:
            yield f"{story.plan.name} ({story.id or 'not created'}) has not ended by {world.now:.0f} s"


def acknowledged_is_listed(world: "World") -> Complaints:
    """[6] Every job that a client was told of is in its list, once, as it ended; and no job that nobody made."""
    for tenant, listed in world.listed.items():
        stories = {
            s.id: s for s in world.stories if s.plan.tenant == tenant and s.id and s.deleted_at is None
        }
        for story in stories.values():
            found = [job for job in listed if job["id"] == story.id]
            if len(found) != 1:
                yield f"{story.plan.name} of {tenant} is listed {len(found)} times"
            elif story.state and found[0]["state"] != story.state:
                yield f"{story.plan.name} ended as {story.state} and is now {found[0]['state']}"
        for job in listed:
            if job["id"] not in stories:
                yield f"{tenant} has a job {job['id']} ({job['display_name']}) that it never made"


def nothing_is_orphaned(world: "World") -> Complaints:
    """[13] After a sweep every blob and ledger belongs to somebody."""
    there, named, ledgers, jobs = insight.disk(world.service.folder)
    if there != named:
        yield f"blobs of nobody: {sorted(there - named)}; missing: {sorted(named - there)}"
    if ledgers != jobs:
        yield f"ledgers of nobody: {sorted(ledgers - jobs)}; jobs without one: {sorted(jobs - ledgers)}"


def every_byte_is_sound(world: "World") -> Complaints:
    """What `backburner verify` says: bytes are those that were written, ledgers agree with themselves and their job."""
    for damage in verify(world.service.folder).damages:
        yield f"{damage.file}: {damage.words}"


def answers_are_made_once(world: "World") -> Complaints:
    """A request is asked again only when nothing came of it, or when the service was killed with it."""
    answered: defaultdict[tuple[str, int], list[Made]] = defaultdict(list)
    for engine in world.engines.values():
        for made in engine.calls:
            if made.job and made.ended == "answer" and made.said:
                answered[made.job, made.ordinal].append(made)
    for (job, ordinal), calls in answered.items():
        for made in calls[:-1]:
            if not world.service.killed.get(made.life):
                yield f"request {ordinal} of {job} was answered at {made.ended_at:.2f} and asked again"


def ended_is_kept(world: "World") -> Complaints:
    """[2] Jobs that were seen to end are as they were, over every restart."""
    for job, state in world.states.items():
        now = next(
            (one["state"] for listed in world.listed.values() for one in listed if one["id"] == job), state
        )
        if state in ENDED and now != state:
            yield f"{job} had ended as {state} and is now {now}"


AT_CALLS: tuple[Callable[["World", Made], Complaints], ...] = (
    nothing_after_cancel,
    pace_is_kept,
    retry_after_is_kept,
)
AT_LOOKS: tuple[Callable[["World"], Complaints], ...] = (
    sums_agree,
    usage_adds_up,
    states_go_forward,
    no_loop_broke,
)
AT_RESULTS: tuple[Callable[["World", Story], Complaints], ...] = (
    results_are_the_models,
    end_is_justified,
    one_job_per_creation,
)
AT_END: tuple[Callable[["World"], Complaints], ...] = (
    everyone_is_served,
    acknowledged_is_listed,
    nothing_is_orphaned,
    every_byte_is_sound,
    answers_are_made_once,
    ended_is_kept,
)
