"""What the commands of `backburner files` ask a server. Each function makes its own connection."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn, TransferSpeedColumn

from backburner.api.native.bodies import DoneBody, EstimateAsked, EstimateBody, FileBody, FileListBody
from backburner.cli.client import Api
from backburner.cli.jobs_results import opened_aside
from backburner.cli.place import Place
from backburner.cli.say import errors
from backburner.core.clock import SystemClock
from backburner.core.limits import STREAM_BYTES

PAGE = 100


def plain(file: str) -> str:
    return file.removeprefix("files/")


def bar() -> Progress:
    """Drawn in a terminal only."""
    return Progress(
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
        console=errors,
        transient=True,
        disable=not errors.is_terminal,
    )


async def uploaded(place: Place, path: Path, name: str) -> FileBody:
    total = await asyncio.to_thread(lambda: path.stat().st_size)
    with bar() as shown:
        task = shown.add_task("", total=total)

        async def pieces() -> AsyncIterator[bytes]:
            with path.open("rb") as file:
                while piece := await asyncio.to_thread(file.read, STREAM_BYTES):
                    yield piece
                    shown.advance(task, len(piece))

        async with Api(place, SystemClock()) as api:
            return await api.upload("/files", pieces(), FileBody, {"display_name": name})


async def listed(place: Place, limit: int) -> tuple[list[FileBody], bool]:
    """Up to `limit` files (0: all), and whether there are more."""
    found: list[FileBody] = []
    token = ""
    async with Api(place, SystemClock()) as api:
        while True:
            size = min(PAGE, limit - len(found)) if limit else PAGE
            page = await api.call("GET", "/files", FileListBody, {"page_size": size, "page_token": token})
            found += page.files
            token = page.next_page_token
            if not token or (limit and len(found) >= limit):
                return found, bool(token)


async def shown(place: Place, file: str) -> FileBody:
    async with Api(place, SystemClock()) as api:
        return await api.call("GET", f"/files/{plain(file)}", FileBody)


async def downloaded(place: Place, file: str, out: Path | None) -> None:
    """To `out`, which gets its name when it is whole, or to standard output."""
    async with Api(place, SystemClock()) as api, api.open("GET", f"/files/{plain(file)}/content") as opened:
        size = opened.headers.get("content-length")
        with opened_aside(out) as target, bar() as shown:
            task = shown.add_task("", total=int(size) if size else None, visible=out is not None)
            async for piece in api.chunks(opened):
                target.write(piece)
                shown.advance(task, len(piece))


async def deleted(place: Place, file: str) -> str:
    async with Api(place, SystemClock()) as api:
        await api.call("DELETE", f"/files/{plain(file)}", DoneBody)
        return f"files/{plain(file)}"


async def estimated(place: Place, file: str, model: str, kind: str) -> EstimateBody:
    asked = EstimateAsked(file=plain(file), model=model, kind=kind)
    async with Api(place, SystemClock()) as api:
        return await api.call("POST", "/estimates", EstimateBody, body=asked)
