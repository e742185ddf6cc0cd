"""How fast a job goes: samples of (instant, requests made), kept in memory and bounded however long it runs.

Two series. The last minute, for the rate of now. The whole run, thinned as it grows, because the estimate of the
end looks at the last third of the work (policy/eta_rate.py), which may be hours. And since when each call is under
way, as far as a look now and then can tell.
"""

from collections import deque
from collections.abc import Collection

from backburner.policy.eta_rate import Sample

RATE_S = 60.0
LOOK_S = 1.0  # samples closer together than this are one
WHOLE_SAMPLES = 256
SLOTS_LOOKS = 8


class Pulse:
    """`first` is when the job began to run, or when it was first looked at, and what it had done by then; the attempts
    behind `first_attempt` were made since. `begun` is when a call was first seen under way, by ordinal."""

    def __init__(self, first: Sample, first_attempt: int = 0) -> None:
        self.first_attempt = first_attempt
        self.begun: dict[int, float] = {}
        self._in_flight: deque[int] = deque(maxlen=SLOTS_LOOKS)
        self._minute = deque([first])
        self._whole = [first]
        self._step_s = LOOK_S
        self._last = first
        self._first_done = first.done
        self.moved_at = first.at  # when something was last seen to be done

    def note(self, now: float, done: int, in_flight: Collection[int] = ()) -> None:
        self.begun = {ordinal: self.begun.get(ordinal, now) for ordinal in in_flight}
        if in_flight:
            self._in_flight.append(len(in_flight))
        if done > self._last.done:
            self.moved_at = now
        self._last = Sample(now, done)
        if now - self._minute[-1].at >= LOOK_S:
            self._minute.append(self._last)
        while len(self._minute) > 1 and self._minute[1].at <= now - RATE_S:
            self._minute.popleft()
        self._remember()

    def pause(self) -> None:
        """Others had their turn: what went by is no rate, and the next one begins anew."""
        self._minute = deque([self._last])
        self._whole = [self._last]
        self._step_s = LOOK_S

    def _remember(self) -> None:
        """A sample of the whole at every step where the work went on. When there are many every second one goes,
        and the steps are twice as long from then on: the samples stay evenly spread over the job."""
        if len(self._whole) > 1 and self._whole[-2].done == self._last.done:
            self._whole[-1] = self._last  # nothing moves: one stretch, not many samples
        elif self._last.at - self._whole[-1].at >= self._step_s:
            self._whole.append(self._last)
        if len(self._whole) > WHOLE_SAMPLES:
            self._whole = self._whole[::2]
            self._step_s *= 2

    @property
    def made(self) -> int:
        """Requests made since the first look."""
        return self._last.done - self._first_done

    @property
    def slots(self) -> int:
        """How many calls the job has under way when it has its turn, by the last looks: a look between two calls sees
        one too few."""
        return max(self._in_flight, default=0)

    @property
    def per_s(self) -> float:
        """Requests a second over the last minute, or since the first sample where that is younger."""
        since = self._minute[0]
        passed_s = self._last.at - since.at
        return (self._last.done - since.done) / passed_s if passed_s > 0 else 0.0

    @property
    def samples(self) -> list[Sample]:
        return self._whole if self._whole[-1] is self._last else [*self._whole, self._last]
