"""Answers that a job takes over from an earlier one of the same input (service/retries.py): read from that one's
result file, and recorded with the lines, so that nothing of them is ever sent again."""

from collections import OrderedDict
from collections.abc import Sequence

from backburner.core.job import Job
from backburner.core.request import CheckedLine, Outcome, OutcomeKind
from backburner.store.stores import Stores

ANSWERS_OF = "answers_of"  # the extra of a job that names the earlier one
TABLES = 4  # jobs whose places of outcomes are remembered; 8 bytes a request


class AnswersGone(Exception):
    """The earlier job, or its results, were deleted before all was taken over."""


class KeptAnswers:
    """On the reading lane."""

    def __init__(self, stores: Stores) -> None:
        self._stores = stores
        self._seqs: OrderedDict[str, memoryview[int]] = OrderedDict()

    def of(self, job: Job, lines: Sequence[CheckedLine]) -> list[Outcome]:
        """The outcomes of those of the lines that were answered before. They cost nothing again: each is marked as
        reused from itself. Raises AnswersGone."""
        try:
            return self._outcomes(job, lines)
        except FileNotFoundError:
            raise AnswersGone from None

    def _outcomes(self, job: Job, lines: Sequence[CheckedLine]) -> list[Outcome]:
        earlier = self._stores.jobs.get(job.tenant, str(job.extras[ANSWERS_OF]))
        if earlier is None or earlier.results_blob is None:
            raise FileNotFoundError
        seqs = self._places(earlier)
        echoes = {x.ordinal: x.echo for x in lines if x.ordinal < len(seqs) and not x.violations}
        with self._stores.ledgers.view(earlier.id) as view:
            rows = view.outcomes([seqs[ordinal] for ordinal in echoes if seqs[ordinal]])
        answers = [row for row in rows if row.kind is OutcomeKind.ANSWER]
        spans = self._stores.ledgers.line_spans(earlier.id, [row.ordinal for row in answers])
        found: list[Outcome] = []
        for row, line in zip(
            answers, self._stores.blobs.read_ranges(earlier.results_blob, spans), strict=True
        ):
            head = b"{" + echoes[row.ordinal] + b"," if echoes[row.ordinal] else b"{"
            if line.startswith(head):  # else its echo was written differently then, and it runs again
                found.append(
                    Outcome(
                        ordinal=row.ordinal,
                        kind=row.kind,
                        body=line[len(head) : -1],
                        finish_reason=row.finish_reason,
                        usage=row.usage,
                        engine=row.engine,
                        model=row.model,
                        at=row.at,
                        reused_from=row.ordinal,
                    )
                )
        return found

    def _places(self, earlier: Job) -> "memoryview[int]":
        """By ordinal the seq of the outcome, 0 where there is none."""
        seqs = self._seqs.get(earlier.id)
        if seqs is None:
            with self._stores.ledgers.reader(earlier.id) as reader:
                seqs = self._seqs[earlier.id] = reader.seqs(earlier.counts.total)
        self._seqs.move_to_end(earlier.id)
        while len(self._seqs) > TABLES:
            self._seqs.popitem(last=False)
        return seqs
