"""What an operator can watch, by name, and the sink that the rooms count into.

Counting costs well under a microsecond: a dict and a number. What is there already (slots, jobs on the board) is not
counted but looked at when somebody asks (service/metrics.py). How it is written out is the door's business.
"""

from bisect import bisect_left
from enum import StrEnum

import msgspec

from backburner.core.request import Outcome

Labels = tuple[str, ...]

SECONDS = (0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0)
SHORT = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0)
SIZES = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1024.0)
RATIOS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0, 2.0)


class Kind(StrEnum):
    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


class Family(msgspec.Struct, frozen=True):
    """`name` is without `_total`, which counters get on the wire; `bounds` are a histogram's."""

    name: str
    kind: Kind
    help: str
    labels: Labels = ()
    bounds: tuple[float, ...] = ()


_LANE = ("engine", "model")
BUILD = Family("backburner_build_info", Kind.GAUGE, "1, with the version", ("version",))
CALLS = Family("backburner_calls", Kind.COUNTER, "Calls of jobs to engines that ended", (*_LANE, "outcome"))
CALL_SECONDS = Family(
    "backburner_call_seconds", Kind.HISTOGRAM, "How long calls of jobs to engines took", _LANE, SECONDS
)
IN_FLIGHT = Family("backburner_calls_in_flight", Kind.GAUGE, "Calls under way, of jobs and of people", _LANE)
LIMIT = Family("backburner_calls_limit", Kind.GAUGE, "How many calls may be under way at present", _LANE)
ENGINE_UP = Family("backburner_engine_up", Kind.GAUGE, "Whether an engine can be called: 1 or 0", ("engine",))
CLOSED = Family(
    "backburner_engine_closed_seconds",
    Kind.GAUGE,
    "How long an engine still asked to be left alone",
    ("engine",),
)
REQUESTS = Family(
    "backburner_requests", Kind.COUNTER, "Requests of jobs that got their outcome", (*_LANE, "outcome")
)
TOKENS = Family("backburner_tokens", Kind.COUNTER, "Tokens of these outcomes", (*_LANE, "kind"))
JOBS = Family("backburner_jobs", Kind.GAUGE, "Jobs that have not ended", ("tenant", "state"))
JOBS_ENDED = Family("backburner_jobs_ended", Kind.COUNTER, "Jobs that ended", ("tenant", "state"))
WAITING = Family("backburner_requests_waiting", Kind.GAUGE, "Requests without an outcome yet", ("tenant",))
COMMIT_SIZE = Family(
    "backburner_commit_outcomes", Kind.HISTOGRAM, "Outcomes and ended calls of one commit", (), SIZES
)
COMMIT_SECONDS = Family("backburner_commit_seconds", Kind.HISTOGRAM, "How long a commit took", (), SHORT)
INTAKE_LINES = Family("backburner_intake_lines", Kind.COUNTER, "Lines of inputs that were checked")
INTAKE_BYTES = Family("backburner_intake_bytes", Kind.COUNTER, "Bytes of inputs that were checked")
PUBLISH_SECONDS = Family(
    "backburner_publish_seconds", Kind.HISTOGRAM, "From the last outcome of a job to its results", (), SECONDS
)
ETA_ERROR = Family(
    "backburner_eta_error_ratio",
    Kind.HISTOGRAM,
    "How wrong the end foretold at half of a job was, as a part of what was left then",
    (),
    RATIOS,
)
WEBHOOK_TRIES = Family("backburner_webhook_tries", Kind.COUNTER, "Tries to deliver events", ("outcome",))
WEBHOOKS_WAITING = Family("backburner_webhooks_waiting", Kind.GAUGE, "Events that no receiver has taken yet")
HTTP = Family("backburner_http_requests", Kind.COUNTER, "HTTP requests answered", ("door", "status"))
HTTP_SECONDS = Family(
    "backburner_http_request_seconds",
    Kind.HISTOGRAM,
    "From a request to the head of its answer",
    ("door",),
    SECONDS,
)
DISK_FREE = Family("backburner_disk_free_bytes", Kind.GAUGE, "Free on the disk of the data folder")
DATA_BYTES = Family("backburner_data_bytes", Kind.GAUGE, "What the data folder takes", ("what",))

FAMILIES = (
    *(BUILD, ENGINE_UP, CLOSED, IN_FLIGHT, LIMIT, CALLS, CALL_SECONDS, REQUESTS, TOKENS),
    *(JOBS, JOBS_ENDED, WAITING, INTAKE_LINES, INTAKE_BYTES, COMMIT_SIZE, COMMIT_SECONDS, PUBLISH_SECONDS),
    *(ETA_ERROR, WEBHOOK_TRIES, WEBHOOKS_WAITING, HTTP, HTTP_SECONDS, DISK_FREE, DATA_BYTES),
)


class Histogram:
    """`counts` has one place for each bound, for what is up to it and over the one before, and one for the rest."""

    __slots__ = ("bounds", "counts", "sum")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.sum = 0.0

    def observe(self, value: float) -> None:
        self.counts[bisect_left(self.bounds, value)] += 1
        self.sum += value


class Metrics:
    """On the event loop only."""

    def __init__(self) -> None:
        self.numbers: dict[str, dict[Labels, float]] = {}
        self.histograms: dict[str, dict[Labels, Histogram]] = {}
        for family in FAMILIES:  # a counter without labels is there from the start, at 0
            if family.kind is Kind.COUNTER and not family.labels:
                self.add(family, (), 0)

    def add(self, family: Family, labels: Labels = (), more: float = 1.0) -> None:
        found = self.numbers.setdefault(family.name, {})
        found[labels] = found.get(labels, 0.0) + more

    def observe(self, family: Family, labels: Labels, value: float) -> None:
        found = self.histograms.setdefault(family.name, {})
        histogram = found.get(labels)
        if histogram is None:
            histogram = found[labels] = Histogram(family.bounds)
        histogram.observe(value)

    def called(self, lane: tuple[str, str], outcome: str, seconds: float) -> None:
        """A call of a job to an engine and a model has ended."""
        self.add(CALLS, (*lane, outcome))
        self.observe(CALL_SECONDS, lane, seconds)

    def committed(self, outcomes: list[Outcome]) -> None:
        """Counted together, because most of them are of one engine and model."""
        kinds: dict[Labels, int] = {}
        tokens: dict[Labels, list[int]] = {}
        for x in outcomes:
            kind = (x.engine, x.model, x.kind)
            kinds[kind] = kinds.get(kind, 0) + 1
            if x.reused_from is None and (x.usage.prompt or x.usage.output):
                found = tokens.get(kind[:2])
                if found is None:
                    found = tokens[kind[:2]] = [0, 0, 0]
                found[0] += x.usage.prompt
                found[1] += x.usage.cached
                found[2] += x.usage.output
        for labels, count in kinds.items():
            self.add(REQUESTS, labels, count)
        for lane, counts in tokens.items():
            for name, count in zip(("prompt", "cached", "output"), counts, strict=True):
                self.add(TOKENS, (*lane, name), count)
