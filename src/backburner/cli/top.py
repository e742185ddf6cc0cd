"""`backburner top`: a server at a glance, live in a terminal: its engines, and its jobs that have not ended."""

import asyncio

import click

from backburner.cli.place import Place, server_options
from backburner.cli.say import errors
from backburner.cli.verbs import examples

EVERY_S = 2.0


@click.command(
    epilog=examples(
        "backburner top",
        "backburner top --once",
        "backburner top --once --json | jq .jobs[].waiting_reason",
    )
)
@click.option(
    "--every",
    "every_s",
    type=click.FloatRange(0.2),
    default=EVERY_S,
    show_default=True,
    metavar="SECONDS",
    help="How often to look.",
)
@click.option("--once", is_flag=True, help="Look once and leave. Without a terminal that is what happens.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object: {engines, jobs}. Implies --once.")
@server_options
def top(every_s: float, once: bool, as_json: bool, place: Place) -> None:
    """Watch engines and jobs, all on one screen. Ctrl-C leaves; it stops nothing."""
    from backburner.cli import top_live  # here: it brings the HTTP client, which other verbs do not need

    try:
        if as_json or once or not errors.is_terminal:
            asyncio.run(top_live.look(place, as_json))
        else:
            asyncio.run(top_live.live(place, every_s))
    except KeyboardInterrupt:
        pass
