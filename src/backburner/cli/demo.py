"""Stub."""

import click


@click.command(hidden=True)
def demo() -> None: ...
