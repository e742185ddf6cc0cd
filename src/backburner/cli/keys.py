"""`backburner keys`: makes, lists and revokes API keys, also beside a running server.

Opens the catalog alone, without owning the data folder; the server asks the catalog at every call, so it knows
at once.
"""

import asyncio
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import click

from backburner.cli.say import errors, results, show_table
from backburner.cli.verbs import Verbs, config_option, data_option, examples, settings_of
from backburner.core.clock import SystemClock, rfc3339
from backburner.core.errors import NotFound
from backburner.core.lanes import Lanes
from backburner.service.keys import DEFAULT_TENANT, KeyService
from backburner.store.catalog import Catalog
from backburner.store.keys import KeyRow, Keys


@click.group(
    cls=Verbs,
    epilog=examples(
        "backburner keys create --name laptop",
        "KEY=$(backburner keys create --tenant research)",
        "backburner keys list",
        "backburner keys revoke k3x09a7bq2",
    ),
)
def keys() -> None:
    """Make, list and revoke API keys.

    Without any key the server listens on this machine only and takes every key. From the first key on, every
    call must bring one. A running server notices at once.
    """


@keys.command(epilog=examples("backburner keys create --tenant research --name 'nightly job'"))
@click.option("--tenant", default=DEFAULT_TENANT, show_default=True, help="Who the key speaks for.")
@click.option("--name", default="", help="A note for yourself.")
@click.option("--local-only", is_flag=True, help="What comes with it never goes to a hosted engine.")
@data_option
@config_option
def create(tenant: str, name: str, local_only: bool, data: str | None, config_file: Path | None) -> None:
    """Make a key and print it, once. Only its hash is kept."""
    with service(config_file, data, make=True) as found:
        row, key = asyncio.run(found.create(tenant, name, local_only=local_only))
    results.print(key)
    errors.print(f"Key {row.id} for tenant {row.tenant}. It is shown this once; keep it safe.")


@keys.command("list")
@data_option
@config_option
def list_keys(data: str | None, config_file: Path | None) -> None:
    """Show the keys that were made: never the keys themselves, only how they start."""
    with service(config_file, data) as found:
        rows = asyncio.run(found.list())
    if not rows:
        errors.print("No keys yet. `backburner keys create` makes one.")
        return
    cells = [
        (row.id, row.tenant, row.name, f"{row.hint}...", _day(row.created_at), state(row)) for row in rows
    ]
    show_table(("ID", "TENANT", "NAME", "KEY", "CREATED", "STATE"), cells)


@keys.command(epilog=examples("backburner keys revoke k3x09a7bq2", "backburner keys revoke bb-Xy12"))
@click.argument("id_or_start")
@data_option
@config_option
def revoke(id_or_start: str, data: str | None, config_file: Path | None) -> None:
    """Make a key useless, by its id or by how it starts. Calls with it are refused from now on."""
    with service(config_file, data) as found:
        row = asyncio.run(found.revoke(id_or_start.rstrip(".")))
        left = [one for one in asyncio.run(found.list()) if one.revoked_at is None]
    errors.print(f"Key {row.id} of tenant {row.tenant} is revoked.")
    if not left:
        errors.print(
            "No other key is left, so the server refuses every call until `backburner keys create` makes one."
        )


@contextmanager
def service(config_file: Path | None, data: str | None, *, make: bool = False) -> Generator[KeyService]:
    """The key service of a data folder. Raises NotFound when the folder holds no catalog, unless told to make."""
    settings = settings_of(config_file, data=data).settings
    path = Path(settings.data).expanduser() / "catalog.db"
    if not make and not path.exists():
        raise NotFound(
            f"there is no catalog in {path.parent}: no server has run on that folder and no key was made for it. "
            "Name another folder with --data"
        )
    catalog = Catalog(path)
    try:
        yield KeyService(SystemClock(), Keys(catalog), Lanes.inline())
    finally:
        catalog.close()


def state(row: KeyRow) -> str:
    return "live" if row.revoked_at is None else f"revoked {_day(row.revoked_at)}"


def _day(instant_at: float) -> str:
    return rfc3339(instant_at)[:10]
