"""How many calls at once were found to suit each model of an engine; by engine and model."""

from collections.abc import Mapping

from backburner.store.catalog import Catalog

Lane = tuple[str, str]


class Paces:
    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    def all(self) -> dict[Lane, float]:
        rows = self._catalog.read().execute("SELECT engine, model, calls FROM pace")
        return {(engine, model): calls for engine, model, calls in rows}

    def save(self, found: Mapping[Lane, float]) -> None:
        with self._catalog.write() as db:
            db.executemany(
                "INSERT INTO pace (engine, model, calls) VALUES (?, ?, ?)"
                " ON CONFLICT (engine, model) DO UPDATE SET calls = excluded.calls",
                [(*lane, calls) for lane, calls in found.items()],
            )
