"""Stub."""

import click


@click.command(hidden=True)
def doctor() -> None: ...
