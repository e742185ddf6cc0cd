"""The console in a real headless Chromium, as a person would use it. Debian's package is called chromium.

Nothing is asked of the page's insides: only what is to be seen, clicked, typed and downloaded, and that the browser
had nothing to complain about.
"""

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.e2e import chromium
from tests.e2e.chromium import Browser, Tab
from tests.e2e.conftest import Serve
from tests.e2e.jobs import asking, write_lines
from tests.e2e.server import Server, clean_environment
from tests.e2e.test_process import made_key

LINES = 500
WRONG = {
    7: '{"key": "k6", "request": {"contents": []}}',
    20: "not JSON",
    301: '{"key": "k300", "request": {"contents": [{"parts": [{"text": "x"}]}], '
    '"generationConfig": {"temperature": 9}}}',
}
UNSTEADY = "simulated:latency_ms=400,jitter=0.5,error_rate=0.4,seed=11"
REFUSED = "status of 400"  # Chromium notes every refusal in its console, those that the page shows too

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        chromium.found() is None,
        reason="NOTICE: there is no Chromium here, so the console was not tried in one (apt-get install chromium)",
    ),
]


@pytest.fixture
async def browser(tmp_path: Path) -> AsyncIterator[Browser]:
    started = await Browser.start(chromium.found() or "", tmp_path / "browser")
    yield started
    await started.stop()


def five_hundred(path: Path) -> Path:
    return write_lines(
        path,
        [
            WRONG.get(number + 1) or {"key": f"k{number}", "request": asking(f"What is {number} + {number}?")}
            for number in range(LINES)
        ],
    )


async def downloaded(browser: Browser, ending: str) -> list[dict[str, object]]:
    for _ in range(200):
        done = [path for path in browser.downloads.iterdir() if path.name.endswith(ending)]
        if done:
            return [json.loads(line) for line in done[0].read_text().splitlines()]
        await asyncio.sleep(0.05)
    raise AssertionError(f"nothing was downloaded: {[path.name for path in browser.downloads.iterdir()]}")


def nothing_wrong(tab: Tab) -> None:
    assert [words for words in tab.complaints if REFUSED not in words] == []


async def test_from_dropping_a_file_with_wrong_lines_to_its_results(
    serve: Serve, browser: Browser, tmp_path: Path
) -> None:
    server = serve(UNSTEADY)
    tab = await browser.tab()
    await tab.go(server.url)
    await tab.see("Nothing on the burner yet")
    await tab.click("New job")
    await tab.see("Drop a JSONL file here")
    await tab.choose_file("#picker", five_hundred(tmp_path / "sums.jsonl"))
    await tab.see(f"{LINES} lines")
    await tab.click("Check and run")

    report = await tab.see("3 lines are wrong")
    for line in WRONG:
        assert f"Line {line}" in report
    assert "not JSON" in report, "the line as it stands in the file"
    assert "request.generationConfig.temperature" in report
    marks = await tab.value("[...document.querySelectorAll('mark')].map((one) => one.textContent)")
    assert '"temperature"' in marks
    await tab.click("Skip them and run the rest")

    made = await tab.see("The job is on its way")
    assert "from google import genai" in made
    assert '"x-backburner-on-invalid":"skip"' in made
    assert server.url in made
    code = (await tab.text(".code pre")).partition("# once it has ended")[0]
    await tab.click("Watch it")
    await tab.see("Running")
    running = await tab.see(" / s")
    assert f"of {LINES}" in running
    await tab.see("Succeeded", timeout_s=90)
    await tab.see("3 reasons" if "Simulated" not in await tab.text() else "reasons")
    failures = await tab.text("section[aria-labelledby=failures]")
    assert "not valid JSON" in failures
    assert "expected at least one content" in failures

    await tab.click("Only failed", "label")
    await tab.see("k300", "ol.requests")
    await tab.click("k300", "summary span.key")
    await tab.see("Prompt", "ol.requests")
    await tab.click("Download results")
    lines = await downloaded(browser, ".results.jsonl")
    assert len(lines) == LINES
    assert [line.get("key") for line in lines] == [None if n == 19 else f"k{n}" for n in range(LINES)]
    assert all("error" in lines[number - 1] for number in WRONG)
    nothing_wrong(tab)
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env=clean_environment(),
        timeout=60,
    )
    assert done.stdout.startswith("batches/"), done.stderr


async def test_an_answer_is_shown_as_text_whatever_is_in_it(serve: Serve, browser: Browser) -> None:
    hostile = '<img src=x onerror="window.taken=1"><script>window.taken=1</script>'
    server = serve("simulated")
    server.client().batches.create(
        model="gemini-2.5-flash",
        src=[{"contents": hostile}],
        config={"display_name": hostile},
    )
    tab = await browser.tab()
    await tab.go(server.url)
    await tab.see(hostile)
    await tab.click(hostile, "main a")
    await tab.see("Succeeded")
    await tab.see("Requests and answers")
    await tab.click("line 1", "summary span.key")
    await tab.see(hostile, "ol.requests .pair")
    assert await tab.value("window.taken ?? 0") == 0
    assert await tab.value("document.querySelectorAll('main img, main script').length") == 0
    nothing_wrong(tab)


async def test_a_first_sample_waits_for_a_look(serve: Serve, browser: Browser) -> None:
    server = serve("simulated:latency_ms=20")
    tab = await browser.tab()
    await tab.go(f"{server.url}/#/new")
    await tab.see("New job")
    await tab.click("Prompts", "label")
    await tab.type("textarea", "\n".join(f"Say {n}" for n in range(40)))
    await tab.click("Run a first sample and let me look", ".tick span")
    await tab.click("Check and run")
    await tab.see("The first sample is on its way")
    await tab.click("Watch it")
    await tab.see("The first sample is through")
    await tab.see("Held")
    await tab.click("Run the rest")
    await tab.see("Succeeded")
    await tab.see("40 of 40")
    nothing_wrong(tab)


async def test_a_running_job_is_searched_raised_cancelled_and_deleted(serve: Serve, browser: Browser) -> None:
    server = serve("simulated:latency_ms=3000")
    prompts = [{"contents": f"Say {n}"} for n in range(300)]
    server.client().batches.create(model="gemini-2.5-flash", src=prompts, config={"display_name": "slow"})
    tab = await browser.tab()
    await tab.go(server.url)
    await tab.see("slow")
    await tab.click("slow", "main a")
    await tab.see("Requests and answers")
    await tab.type("section[aria-labelledby=requests] input", "say 29")
    await tab.see("11 matches in 300 requests")
    await tab.click("Raise priority")
    await tab.see("priority 1 ·")
    await tab.click("Cancel")
    await tab.see("Cancel this job?", "dialog")
    await tab.key("Escape")
    await asyncio.sleep(0.3)
    assert "Running" in await tab.text(), "Escape means no"
    await tab.click("Cancel")
    await tab.see("Cancel this job?", "dialog")
    await tab.click("Cancel the job")
    await tab.see("Cancelled")
    await tab.see("Run what is left")
    await tab.click("Delete")
    await tab.see("Delete this job?", "dialog")
    await tab.click("Delete", "dialog button")
    await tab.see("Nothing on the burner yet")
    nothing_wrong(tab)


async def test_signing_in_with_the_keyboard_alone(browser: Browser, tmp_path: Path) -> None:
    server = Server(tmp_path)
    key = made_key(server.data)
    try:
        server.start()
        server.client(key=key).batches.create(
            model="gemini-2.5-flash", src=[{"contents": "x"}], config={"display_name": "mine"}
        )
        tab = await browser.tab(width=390, height=844, dark=True)
        await tab.go(server.url)
        await tab.see("Sign in")
        await tab.call("Input.insertText", text="bb-wrong")
        await tab.key("Enter")
        await tab.see("This key is not known here")
        await tab.call("Input.insertText", text=key)
        await tab.key("Enter")
        await tab.see("mine")
        assert "backburner_session" not in await tab.value("document.cookie")
        await tab.value("document.querySelector('main a[href^=\"#/jobs/\"]').focus()")
        await tab.key("Enter")
        await tab.see("Requests and answers")
        await tab.see("Download results")
        await tab.click("Download results")
        assert len(await downloaded(browser, ".results.jsonl")) == 1
        await tab.click("Sign out")
        await tab.see("API key")
    finally:
        server.kill()


async def test_every_page_fits_a_phone(serve: Serve, browser: Browser) -> None:
    server = serve("simulated")
    job = server.client().batches.create(model="gemini-2.5-flash", src=[{"contents": "x" * 300}])
    assert job.name is not None
    tab = await browser.tab(width=360, height=740)
    for page in ("jobs", f"jobs/{job.name.removeprefix('batches/')}", "new", "engines", "files"):
        await tab.go(f"{server.url}/#/{page}")
        await asyncio.sleep(0.5)
        assert await tab.value("document.querySelector('h1')?.textContent ?? ''"), page
        assert await tab.value("document.documentElement.scrollWidth") <= 360, page
    nothing_wrong(tab)
