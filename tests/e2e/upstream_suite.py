"""google-genai's own test-suite against a Backburner on the simulated engine (acceptance 10).

    python -m tests.e2e.upstream_suite [GROUP ...]      groups: batches files caches models shared; all by default

Prints passed, failed and skipped, and for each failure its reason. The tests come out of the installed wheel.
Some name batches and caches that live in Google's own test project; ids are minted by the server and cannot
be planted from outside, so those fail here as they would in anybody's project. Files can: a caller may choose
a file's name.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import google.genai

from tests.e2e.server import REPO, Server, clean_environment
from tests.e2e.upstream.reasons import reason_for
from tests.e2e.upstream.stand_ins import write_stand_ins

GROUPS = (
    "batches",
    "files",
    "caches",
    "models",
    "shared/batches",
    "shared/files",
    "shared/caches",
    "shared/models",
)
# Files of Google's test project that the tests ask for by name (contract, section 8.1).
PLANTED_FILES = (
    "s0pa54alni6w",
    "kje1wewvo85z",
    "tyvaih24jwje",
    "mq9e3mg3u2y5",
    "n1gls7dyh90q",
    "1g583ke2xdsn",
)
PLANTED_LINE = b'{"key":"1","request":{"contents":[{"parts":[{"text":"hello"}]}]}}\n'


@dataclass(frozen=True)
class Case:
    name: str
    verdict: str  # passed, failed, skipped
    words: str


def prepare(folder: Path) -> Path:
    """A copy of the SDK with the data files its tests want; returns where its tests are."""
    installed = Path(google.genai.__file__).parent
    library = folder / "library" / "google" / "genai"
    shutil.copytree(installed, library, ignore=shutil.ignore_patterns("__pycache__"))
    write_stand_ins(library / "tests" / "data")
    write_stand_ins(folder / "work" / "tests" / "data")  # others open it from the working directory
    return library / "tests"


def plant(server: Server) -> None:
    client = server.client()
    for name in PLANTED_FILES:
        path = server.folder / f"{name}.jsonl"
        path.write_bytes(PLANTED_LINE)
        client.files.upload(file=str(path), config={"name": name, "mime_type": "jsonl"})


def run(server: Server, tests: Path, folder: Path, groups: list[str]) -> list[Case]:
    report = folder / "report.xml"
    environment = {
        **clean_environment(),
        "PYTHONPATH": os.pathsep.join([str(tests.parents[2]), str(REPO)]),
        "BACKBURNER_URL": server.url,
        "GOOGLE_API_KEY": "any",
        "GOOGLE_GEMINI_BASE_URL": server.url,
        "GOOGLE_GENAI_REPLAYS_DIRECTORY": str(folder / "replays"),
        "GOOGLE_GENAI_RUN_GEMINI_ONLY_IN_API_MODE": "1",
    }
    command = [sys.executable, "-m", "pytest", "--mode", "api", "-p", "tests.e2e.upstream.point_here"]
    command += ["-n", "2", "-o", "asyncio_mode=auto", "-p", "no:cacheprovider", "--timeout", "120", "-q"]
    command += ["--tb=line", f"--junitxml={report}", "-o", "addopts=", f"--rootdir={tests}"]
    subprocess.run(
        [*command, *(str(tests / group) for group in groups)],
        cwd=folder / "work",
        env=environment,
        stdout=(folder / "pytest.log").open("w"),
        stderr=subprocess.STDOUT,
        check=False,
    )
    assert report.exists(), (folder / "pytest.log").read_text()[-3000:]
    return [case_of(node) for node in ElementTree.parse(report).iter("testcase")]


def case_of(node: ElementTree.Element) -> Case:
    name = f"{node.get('classname', '').partition('tests.')[2]}::{node.get('name', '')}"
    for verdict, tag in (("failed", "failure"), ("failed", "error"), ("skipped", "skipped")):
        if (found := node.find(tag)) is not None:
            return Case(name, verdict, f"{found.get('message', '')}\n{found.text or ''}")
    return Case(name, "passed", "")


def told(cases: list[Case]) -> tuple[str, int]:
    """The report, and how many failures nobody has explained."""
    counts = Counter(case.verdict for case in cases)
    lines = [f"{counts['passed']} passed, {counts['failed']} failed, {counts['skipped']} skipped", ""]
    unexplained = 0
    by_reason: dict[str, list[str]] = {}
    for case in cases:
        if case.verdict == "failed":
            reason = reason_for(case.name, case.words)
            unexplained += not reason
            first = re.sub(r"\s+", " ", case.words)[:200]
            by_reason.setdefault(reason or f"NOT EXPLAINED: {first}", []).append(case.name)
    for reason, names in sorted(by_reason.items(), key=lambda item: -len(item[1])):
        lines += [f"{len(names)} failed: {reason}", *(f"    {name}" for name in sorted(names))]
    skipped = Counter(case.words.split("\n")[0] for case in cases if case.verdict == "skipped")
    lines += ["", *(f"{count} skipped: {words}" for words, count in skipped.most_common())]
    return "\n".join(lines), unexplained


def suite(groups: list[str]) -> tuple[str, int]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        server = Server(folder / "server")
        server.folder.mkdir()
        server.start()
        try:
            plant(server)
            return told(run(server, prepare(folder), folder, groups))
        finally:
            server.kill()


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("groups", nargs="*", default=list(GROUPS))
    report, unexplained = suite(parser.parse_args().groups)
    print(report)
    return 1 if unexplained else 0


if __name__ == "__main__":
    sys.exit(main())
