"""A whole house on a folder, with the plain dialect and a scripted engine, and short words for what tests do."""

import random
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import msgspec

from backburner.config import Settings
from backburner.core.clock import Clock
from backburner.core.job import Job, JobKind
from backburner.core.lanes import Lanes
from backburner.engines.protocol import Engine
from backburner.house import House
from backburner.outbound.webhooks import Post
from backburner.service.drafts import Idempotency, JobDraft
from tests.doubles.plain_dialect import PlainDialect
from tests.doubles.virtual_time import VirtualClock

TENANT = "default"


@contextmanager
def memory_folder() -> Iterator[Path]:
    """A folder in memory where there is one: these tests sync a lot, and what a sync costs is not their point."""
    shm = Path("/dev/shm")
    folder = Path(tempfile.mkdtemp(prefix="backburner-", dir=shm if shm.is_dir() else None))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def public(host: str) -> list[str]:
    """Every name leads to one public address."""
    return ["93.184.216.34"]


def build(
    folder: Path,
    engine: Engine | Sequence[Engine],
    clock: Clock | None = None,
    *,
    seed: int = 0,
    lanes: Lanes | None = None,
    settings: Settings | None = None,
    post: Post | None = None,
) -> House:
    house = House(
        settings or Settings(data=str(folder), engine="simulated"),
        clock=clock or VirtualClock(),
        lanes=lanes or Lanes.inline(),
        engines=engine if isinstance(engine, Sequence) else [engine],
        chance=random.Random(seed),
        post=post,
        resolve=public,
    )
    house.dialects["plain"] = PlainDialect()  # type: ignore[assignment]
    return house


@asynccontextmanager
async def running(
    folder: Path,
    engine: Engine | Sequence[Engine],
    clock: Clock | None = None,
    *,
    seed: int = 0,
    lanes: Lanes | None = None,
    settings: Settings | None = None,
    post: Post | None = None,
) -> AsyncIterator[House]:
    """A house that has started; at the end it stops, and no loop of it may have broken."""
    house = build(folder, engine, clock, seed=seed, lanes=lanes, settings=settings, post=post)
    await house.start()
    try:
        yield house
        if house.broken.done():
            house.broken.result()
    finally:
        await house.stop()


def numbered(count: int, start: int = 0) -> list[bytes]:
    return [b"k%d|text %d" % (n, n) for n in range(start, start + count)]


async def create(
    house: House,
    lines: Iterable[bytes] | None = None,
    *,
    tenant: str = TENANT,
    idempotency: Idempotency | None = None,
    **draft: object,
) -> Job:
    given = {"dialect": "plain", "kind": JobKind.GENERATE, "model": "m", "lines": lines, **draft}
    return await house.jobs.create(tenant, JobDraft(**given), idempotency)  # type: ignore[arg-type]


async def ended(house: House, job: Job | str, tenant: str = TENANT) -> Job:
    """The job once it has ended. Under virtual time the limit of the run is the limit of the wait."""
    id_ = job if isinstance(job, str) else job.id
    while not (found := await house.jobs.get(tenant, id_)).ended:
        if house.broken.done():
            house.broken.result()
        await house.clock.sleep(0.05)
    return found


async def results(house: House, job: Job) -> list[dict[str, object]]:
    """The published result file, line by line."""
    content = b"".join([piece async for piece in house.results.published(job)])
    return [msgspec.json.decode(line) for line in content.splitlines()]


async def run_to_end(
    house: House, lines: Iterable[bytes], **draft: object
) -> tuple[Job, list[dict[str, object]]]:
    job = await ended(house, await create(house, lines, **draft))
    return job, await results(house, job)


async def upload(house: House, content: bytes, tenant: str = TENANT, name: str | None = None) -> str:
    """A file; its id."""
    row = await house.files.start(
        tenant, name=name, display_name="", mime_type="jsonl", size_bytes=len(content)
    )
    await house.files.append(row.id, 0, pieces(content))
    return (await house.files.complete(row.id)).id


async def pieces(content: bytes, size: int = 1 << 20) -> AsyncIterator[bytes]:
    for at in range(0, len(content), size):
        yield content[at : at + size]
