"""`backburner demo`: the whole thing in one go, told as it happens. `make demo` runs it.

Fetches the models, starts a server of its own on a free port with a data folder that goes with it, and drives it
with Google's official Python SDK (demo_scenes.py).
"""

import asyncio
import importlib.util
import tempfile
from pathlib import Path

import click

from backburner.cli import demo_scenes
from backburner.cli.demo_server import DemoServer
from backburner.cli.demo_stage import Stage
from backburner.cli.pull import models_dir, pull_what_is_missing
from backburner.cli.say import duration
from backburner.cli.verbs import settings_of
from backburner.core.clock import SystemClock
from backburner.core.errors import Unavailable
from backburner.engines.local import store

LOCAL = "local"


@click.command(hidden=True)
@click.option("--engine", default=LOCAL, show_default=True, metavar="SPEC")
def demo(engine: str) -> int:
    """Show what Backburner does: a server, the official SDK, real answers, one crash."""
    if importlib.util.find_spec("google.genai") is None:
        raise Unavailable("the demo is driven by Google's SDK; run: pip install google-genai")
    stage = Stage(SystemClock())
    began = stage.clock.monotonic()
    stage.say("Backburner answers batch jobs on your own machine and speaks the Gemini Batch API.")
    stage.say("Everything below is done by Google's own SDK; only its base URL is changed.")
    settings = settings_of(None, engine=engine).settings
    stage.title("The models")
    pull_what_is_missing(settings)
    if engine == LOCAL:
        for one in store.installed(models_dir(settings)):
            stage.say(f"{one.id}: {one.source}, bytes verified.")
        stage.say("They are small, so answers are real but modest. On this machine, without a network.")
    with tempfile.TemporaryDirectory(prefix="backburner-demo-") as folder:
        code = asyncio.run(_shown(stage, DemoServer(Path(folder), engine, stage.clock)))
    if not code:
        stage.say(f"That was all, in {duration(stage.clock.monotonic() - began)}. Yours: make serve")
    return code


async def _shown(stage: Stage, server: DemoServer) -> int:
    """The scenes in their order; 0 when every promise was seen kept."""
    try:
        stage.title("The server")
        stage.code(server.command_line)
        await server.start()
        stage.say(f"It listens on {server.url}. In your code that is one line:")
        stage.code(f'client = genai.Client(api_key="anything", http_options={{"base_url": "{server.url}"}})')
        kept = [
            await demo_scenes.inline_job(stage, server),
            await demo_scenes.file_job(stage, server),
            await demo_scenes.embeddings_job(stage, server),
        ]
        stage.title("The end")
        code = server.stop()
        stage.check(code == 0, f"SIGTERM: the server stopped with exit code {code}.")
        return 0 if all(kept) and code == 0 else 1
    finally:
        server.kill()
