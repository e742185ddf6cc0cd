"""`backburner webhooks`: events that a server sent when jobs ended, and the secret that they are signed with."""

import asyncio

import click
import msgspec

from backburner.api.native.webhook_bodies import DeliveryBody
from backburner.cli.jobs_view import moment
from backburner.cli.place import Place, server_options
from backburner.cli.say import errors, results, show_table
from backburner.cli.verbs import Verbs, examples

HEADER = ("WEBHOOK-ID", "JOB", "EVENT", "TO", "STATE", "TRIES", "LAST ANSWER", "NEXT TRY")
SHORT = 8


@click.group(
    cls=Verbs,
    epilog=examples(
        "backburner webhooks list --job 3kq9", "backburner webhooks secret", "backburner webhooks rotate"
    ),
)
def webhooks() -> None:
    """Look at the events that a server sends when jobs end, and at the secret that they are signed with."""


def server():  # its type is that of the module
    """What can be asked of a server."""
    from backburner.cli import (
        webhooks_asked,
    )  # here: it brings the HTTP client, which other verbs do not need

    return webhooks_asked


@webhooks.command("list", epilog=examples("backburner webhooks list", "backburner webhooks list --json"))
@click.option("--job", default="", metavar="JOB", help="Only those of this job.")
@click.option("--limit", type=click.IntRange(1, 1000), default=50, show_default=True, help="How many.")
@click.option("--json", "as_json", is_flag=True, help="JSON as the server sends it, one object a line.")
@server_options
def list_deliveries(job: str, limit: int, as_json: bool, place: Place) -> None:
    """List deliveries, newest first: what was sent where, and what became of it."""
    found = asyncio.run(server().listed(place, job, limit))
    if as_json:
        for one in found:
            results.print(msgspec.json.encode(one).decode())
    elif not found:
        errors.print("No deliveries.")
    else:
        show_table(HEADER, [row(one) for one in found])


@webhooks.command(epilog=examples("backburner webhooks secret"))
@server_options
def secret(place: Place) -> None:
    """Print the secret that your events are signed with. Receivers check signatures with it."""
    results.print(asyncio.run(server().secret(place, "GET", "/webhooks/secret")).secret)


@webhooks.command(epilog=examples("backburner webhooks rotate"))
@server_options
def rotate(place: Place) -> None:
    """Make a new secret and print it. The old one signs beside it for a day."""
    found = asyncio.run(server().secret(place, "POST", "/webhooks/secret:rotate"))
    results.print(found.secret)
    if found.old_signs_until_at:
        errors.print(f"The old one signs as well until {moment(found.old_signs_until_at)}.")


@webhooks.command(
    "new-secret", epilog=examples("export OPS_WEBHOOK_SECRET=$(backburner webhooks new-secret)")
)
def make_secret() -> None:
    """Print a new secret, for a webhook of the config file. It is kept nowhere."""
    from backburner.outbound.standard_webhooks import new_secret

    results.print(new_secret())


def row(one: DeliveryBody) -> tuple[str, ...]:
    last = one.tries[-1] if one.tries else None
    answer = "" if last is None else str(last.status) if last.status is not None else last.why
    next_at = moment(one.next_try_at, seconds=True) if one.next_try_at else ""
    to = one.url or f"[{one.hook}]"
    return (one.id, one.job[:SHORT], one.type, to, one.state, str(len(one.tries)), answer, next_at)
