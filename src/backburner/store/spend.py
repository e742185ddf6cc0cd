"""What tenants used, by day, key, engine and model."""

from collections.abc import Mapping

import msgspec

from backburner.store.catalog import Catalog


class SpendPlace(msgspec.Struct, frozen=True):
    """Whose, when (`2026-11-27`, UTC) and where; `key` is the id of the API key, empty without one."""

    tenant: str
    day: str
    key: str
    engine: str
    model: str


class Spent(msgspec.Struct, frozen=True):
    """Calls that were answered, their tokens (`prompt` includes `cached`) and their cost in nanos of the currency."""

    calls: int = 0
    prompt: int = 0
    cached: int = 0
    output: int = 0
    nanos: int = 0

    def __add__(self, other: "Spent") -> "Spent":
        return Spent(
            self.calls + other.calls,
            self.prompt + other.prompt,
            self.cached + other.cached,
            self.output + other.output,
            self.nanos + other.nanos,
        )


_SUMS = ", ".join(f"sum({name})" for name in Spent.__struct_fields__)


class Spend:
    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    def add(self, more: Mapping[SpendPlace, Spent]) -> None:
        """In one transaction."""
        rows = [(*msgspec.structs.astuple(at), *msgspec.structs.astuple(spent)) for at, spent in more.items()]
        sums = ", ".join(f"{name} = {name} + excluded.{name}" for name in Spent.__struct_fields__)
        with self._catalog.write() as db:
            db.executemany(
                f"INSERT INTO spend VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET {sums}",
                rows,
            )

    def by_key(self) -> dict[str, Spent]:
        """All that was ever spent, by the id of the key."""
        return self._sums("key", "TRUE", ())

    def of_day(self, day: str) -> dict[str, Spent]:
        """What was spent on a day, by tenant."""
        return self._sums("tenant", "day = ?", (day,))

    def _sums(self, by: str, condition: str, values: tuple[str, ...]) -> dict[str, Spent]:
        rows = self._catalog.read().execute(
            f"SELECT {by}, {_SUMS} FROM spend WHERE {condition} GROUP BY {by}", values
        )
        return {row[0]: Spent(*row[1:]) for row in rows}

    def rows(self, tenant: str, from_day: str) -> list[tuple[SpendPlace, Spent]]:
        """Of a tenant, from a day on, the newest day first."""
        rows = self._catalog.read().execute(
            "SELECT * FROM spend WHERE tenant = ? AND day >= ? ORDER BY day DESC, key, engine, model",
            (tenant, from_day),
        )
        return [(SpendPlace(*row[:5]), Spent(*row[5:])) for row in rows]
