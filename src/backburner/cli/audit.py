"""`backburner audit`: who did what on a server of this machine, read from its catalog, also while it runs."""

from pathlib import Path

import click
import msgspec

from backburner.cli.say import errors, results, show_table
from backburner.cli.verbs import config_option, data_option, examples, settings_of
from backburner.core.clock import rfc3339
from backburner.core.errors import NotFound
from backburner.store.audit import Audit, AuditLine
from backburner.store.catalog import Catalog

HEADER = ("AT", "TENANT", "KEY", "DOOR", "ACTION", "OBJECT", "OUTCOME")


@click.command(
    epilog=examples(
        "backburner audit --limit 20",
        "backburner audit --tenant research --action job.delete",
        "backburner audit --action key. --json",
    )
)
@click.option("--tenant", default="", metavar="NAME", help="Only of this tenant.")
@click.option("--action", default="", metavar="WORD", help="Only this one, or all that begin so: job.")
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True, help="How many lines.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@data_option
@config_option
def audit(
    tenant: str, action: str, limit: int, as_json: bool, data: str | None, config_file: Path | None
) -> None:
    """Show who did what, newest first: creations, cancels, deletions, keys, readings of results."""
    path = Path(settings_of(config_file, data=data).settings.data).expanduser() / "catalog.db"
    if not path.exists():
        raise NotFound(f"there is no catalog in {path.parent}. Name another folder with --data")
    catalog = Catalog(path)
    try:
        found = Audit(catalog).page(limit, None, tenant=tenant, action=action)
    finally:
        catalog.close()
    if as_json:
        for line in found:
            results.print(msgspec.json.encode(line).decode())
    elif not found:
        errors.print("Nothing was done yet." if not (tenant or action) else "No such lines.")
    else:
        show_table(HEADER, [row(line) for line in found])


def row(line: AuditLine) -> tuple[str, ...]:
    at = rfc3339(line.at)[:19] + "Z"
    return (at, line.tenant, line.key, line.door, line.action, line.object, line.outcome)
