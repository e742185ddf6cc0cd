"""Whether a server at the other end of a wire is up, by what its replies and silences say.

A single loss is bad luck; three in a row are an outage. Any reply that shows the server at work ends it.
"""

from backburner.core.exchange import Answer, Delta, Trouble, TroubleKind
from backburner.engines.protocol import EngineStatus, Health

OUTAGE = 3
# A timeout tells of a long answer as often as of a dead server, and says neither.
_NEUTRAL = frozenset({TroubleKind.TIMEOUT})
_AT_WORK = frozenset({TroubleKind.REQUEST, TroubleKind.BUSY})


class UpstreamHealth:
    def __init__(self) -> None:
        self._started = False
        self._losses = 0
        self._reason = ""

    def note(self, result: Answer | Trouble | Delta | int) -> None:
        """What a call brought."""
        if not isinstance(result, Trouble) or result.kind in _AT_WORK:
            self.well()
        elif result.kind not in _NEUTRAL:
            self.ill(result.message)

    def well(self) -> None:
        self._started, self._losses = True, 0

    def ill(self, reason: str) -> None:
        # A server that was never seen at work is down at its first loss.
        self._losses = self._losses + 1 if self._started else OUTAGE
        self._started = True
        self._reason = reason

    def status(self) -> EngineStatus:
        if not self._started:
            return EngineStatus(Health.STARTING, "not asked yet")
        if self._losses >= OUTAGE:
            return EngineStatus(Health.DOWN, self._reason)
        return EngineStatus(Health.UP)
