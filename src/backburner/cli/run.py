"""Stub."""

import click


@click.command(hidden=True)
def run() -> None: ...
