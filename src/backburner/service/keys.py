"""API keys and who they speak for. A key is shown once, when it is made; only its hash is kept.

Nothing is remembered between calls: `backburner keys` makes and revokes keys in the catalog of a running server
from a process of its own, and the next call must know. The question costs a few microseconds.
"""

import hashlib
import secrets

import msgspec

from backburner.core.clock import Clock
from backburner.core.errors import InvalidArgument, NotFound, Unauthenticated, Violation
from backburner.core.lanes import Lanes
from backburner.core.names import mint
from backburner.store.audit import AuditLine
from backburner.store.keys import KeyRow, Keys

DEFAULT_TENANT = "default"
PREFIX = "bb-"


def digest(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()


class Asker(msgspec.Struct, frozen=True):
    """Who calls: the tenant, and the id of the API key, empty where none is wanted. `local_only`: what they send
    never goes to a hosted engine."""

    tenant: str
    key: str = ""
    local_only: bool = False


class KeyService:
    def __init__(self, clock: Clock, keys: Keys, lanes: Lanes) -> None:
        self._clock = clock
        self._keys = keys
        self._lanes = lanes

    @property
    def required(self) -> bool:
        """Whether callers must show a key: as soon as one was made. Revoking the last one must not open the
        door to everyone, so revoked ones count."""
        return self._keys.any()

    async def create(self, tenant: str, name: str, *, local_only: bool = False) -> tuple[KeyRow, str]:
        """The row and the key itself, which is not to be had again. Raises InvalidArgument."""
        if not tenant or not tenant.replace("-", "").replace("_", "").isalnum():
            raise InvalidArgument(
                f"tenant {tenant!r} is not allowed",
                violations=[Violation("tenant", "expected letters, digits, dashes or underscores")],
            )
        key = PREFIX + secrets.token_urlsafe(32)
        row = KeyRow(
            id=mint(10),
            tenant=tenant,
            name=name,
            hint=key[: len(PREFIX) + 4],
            created_at=self._clock.now(),
            local_only=local_only,
        )
        await self._lanes.write.run(self._keys.insert, row, digest(key), self._line("key.create", row))
        return row, key

    def _line(self, action: str, row: KeyRow) -> AuditLine:
        """Keys are made and revoked at the command line of the server's machine only."""
        return AuditLine(
            at=self._clock.now(), tenant=row.tenant, door="cli", action=action, object=f"keys/{row.id}"
        )

    async def list(self) -> list[KeyRow]:
        return await self._lanes.read.run(self._keys.all)

    async def revoke(self, id_or_hint: str) -> KeyRow:
        """Raises NotFound; revoking twice is harmless."""
        matches = [row for row in await self.list() if id_or_hint in (row.id, row.hint)]
        if len(matches) != 1:
            raise NotFound(f"no key {id_or_hint!r}; `backburner keys list` shows their ids")
        row = matches[0]
        if row.revoked_at is None:
            row = msgspec.structs.replace(row, revoked_at=self._clock.now())
            await self._lanes.write.run(self._keys.update, row, self._line("key.revoke", row))
        return row

    async def asker(self, key: str | None) -> Asker:
        """Who is calling. While no key was ever made everyone is the one tenant. Raises Unauthenticated."""
        if not self.required:
            return Asker(DEFAULT_TENANT)
        if not key:
            raise Unauthenticated("this server wants an API key", reason="KEY_MISSING")
        row = await self._lanes.read.run(self._keys.by_digest, digest(key))
        if row is None or row.revoked_at is not None:
            raise Unauthenticated("this API key is not known here", reason="KEY_INVALID")
        return Asker(row.tenant, row.id, row.local_only)
