"""Around all doors: counts requests by door and status, and writes the audit log."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from backburner.api.services import Services
from backburner.api.trail import Trail, begun, deed_of
from backburner.core.metrics import HTTP, HTTP_SECONDS

# The first that fits. What is left is Gemini's, whose paths begin with a version.
_DOORS = (
    ("/api/v1", "native"),
    ("/openai", "openai"),
    ("/v1beta/openai", "openai"),
    ("/anthropic", "anthropic"),
    ("/v1", "gemini"),
    ("/upload", "gemini"),
    ("/download", "gemini"),
)


def door_of(path: str) -> str:
    return next((door for prefix, door in _DOORS if path.startswith(prefix)), "other")


class Watched:
    def __init__(self, app: ASGIApp, services: Services) -> None:
        self._app = app
        self._services = services

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        clock, metrics = self._services.clock, self._services.metric_values.counted
        door, began = door_of(scope["path"]), clock.monotonic()
        trail = begun(scope)

        async def watched(message: Message) -> None:
            if message["type"] == "http.response.start":
                metrics.add(HTTP, (door, str(message["status"])))
                metrics.observe(HTTP_SECONDS, (door,), clock.monotonic() - began)
                self._audit(scope, door, trail, message["status"])
            await send(message)

        await self._app(scope, receive, watched)

    def _audit(self, scope: Scope, door: str, trail: Trail, status: int) -> None:
        """Calls without a key that is known are nobody's: the log of the server has those."""
        if trail.who is None or (deed := deed_of(scope["method"], scope["path"], trail.made)) is None:
            return
        outcome = "done" if status < 400 else f"refused:{status}"
        self._services.audit.note(trail.who.tenant, trail.who.key, door, deed.action, deed.object, outcome)
