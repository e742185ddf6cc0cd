"""Pictures of the console's pages for docs/console.md, as the code shows them: `python -m scripts.screenshots`.

Needs Chromium. Starts a server of its own on the simulated engine, with jobs of every sort; writes docs/images/.
"""

import asyncio
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from google import genai
from tests.e2e import chromium
from tests.e2e.chromium import Browser, Tab
from tests.e2e.jobs import asking, ended, upload, write_lines
from tests.e2e.server import REPO, Server

IMAGES = REPO / "docs" / "images"
ENGINE = "simulated:latency_ms=1400,jitter=0.6,error_rate=0.4,seed=3"
MODEL = "gemini-2.5-flash"
THINGS = ("kettle", "lamp", "rucksack", "umbrella", "teapot", "bicycle bell", "notebook", "desk fan")
WORDS = ("Works as promised.", "The lid squeaks.", "Arrived late, but well packed.", "I would buy it again.")
SCHEMA = {
    "type": "OBJECT",
    "properties": {
        "mood": {"type": "STRING", "enum": ["glad", "mixed", "cross"]},
        "stars": {"type": "INTEGER", "minimum": 1, "maximum": 5},
        "problems": {"type": "ARRAY", "items": {"type": "STRING"}, "maxItems": 2},
    },
    "required": ["mood", "stars", "problems"],
}


def review(number: int) -> dict[str, object]:
    text = f"About the {THINGS[number % 8]}: {WORDS[number // 8 % 4]}"
    request = asking(text, temperature=0, responseMimeType="application/json", responseSchema=SCHEMA)
    request["systemInstruction"] = {
        "parts": [{"text": "Read the review. Answer with its mood, stars and problems."}]
    }
    return {"key": f"review-{number:04d}", "request": request}


def lines(count: int, *, wrong: Sequence[int] = ()) -> list[object]:
    found: list[object] = [review(number) for number in range(count)]
    for number in wrong:
        found[number] = {"key": f"review-{number:04d}", "request": {"contents": []}}
    if wrong:
        found[wrong[-1] + 12] = '{"key": "review-0032", "request": {"contents": [{"parts": '
    return found


def job(client: genai.Client, folder: Path, name: str, what: list[object], **headers: str) -> str:
    file = upload(client, write_lines(folder / f"{name}.jsonl", what))
    made = client.batches.create(
        model=MODEL, src=file, config={"display_name": name, "http_options": {"headers": headers}}
    )
    return str(made.name)


async def picture(tab: Tab, name: str, *, width: int = 1180, dark: bool = False, most: int = 1500) -> None:
    height = int(await tab.value("document.documentElement.scrollHeight"))
    await tab.look(width, min(max(height, 560), most), dark)
    await asyncio.sleep(0.6)
    await tab.picture(IMAGES / f"console-{name}.png", whole=False)
    assert tab.complaints == [] or name == "report", tab.complaints


async def pictures(browser: Browser, server: Server, folder: Path) -> None:
    client = server.client()
    skipped = job(
        client, folder, "Catalogue, October", lines(60, wrong=(6, 19)), **{"x-backburner-on-invalid": "skip"}
    )
    job(client, folder, "Nightly reviews", lines(200))
    ended(client, skipped)
    running = job(client, folder, "All reviews of the year", lines(2400))
    job(client, folder, "New instruction, first look", lines(400), **{"x-backburner-hold": "canary"})
    await asyncio.sleep(24)
    tab = await browser.tab(width=1180)
    await tab.call("Emulation.setScrollbarsHidden", hidden=True)
    for page, name in (
        ("jobs", "jobs"),
        (f"jobs/{running.removeprefix('batches/')}", "job"),
        ("engines", "engines"),
    ):
        await tab.go(f"{server.url}/#/{page}")
        await asyncio.sleep(2)
        await picture(tab, name)
    await tab.look(390, 844, dark=True)
    await asyncio.sleep(1)
    await tab.go(f"{server.url}/#/jobs/{running.removeprefix('batches/')}")
    await asyncio.sleep(2)
    await picture(tab, "phone", width=390, dark=True, most=1300)
    await tab.look(1180, 900, dark=True)
    await tab.go(f"{server.url}/#/jobs/{skipped.removeprefix('batches/')}")
    await tab.see("Requests and answers")
    await asyncio.sleep(1)
    await tab.value("document.querySelectorAll('details.request')[1].open = true")
    await picture(tab, "answers", dark=True, most=1700)
    await tab.look(1180, 900, dark=False)
    await tab.go(f"{server.url}/#/files")
    await asyncio.sleep(1)
    await picture(tab, "files")
    await tab.go(f"{server.url}/#/new")
    await tab.see("Drop a JSONL file here")
    await tab.choose_file("#picker", write_lines(folder / "reviews.jsonl", lines(500, wrong=(6, 19))))
    await tab.click("Check and run")
    await tab.see("3 lines are wrong")
    await picture(tab, "report", most=1700)


async def main() -> None:
    path = chromium.found()
    if path is None:
        sys.exit("screenshots: there is no Chromium here; Debian's package is called chromium")
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="backburner-pictures-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        (folder / "server").mkdir()
        server = Server(folder / "server", engine=ENGINE)
        browser = await Browser.start(path, folder / "browser")
        try:
            await pictures(browser, server.start(), folder)
        finally:
            server.kill()
            await browser.stop()
    sys.stdout.write(f"{len(list(IMAGES.glob('console-*.png')))} pictures in docs/images\n")


if __name__ == "__main__":
    asyncio.run(main())
