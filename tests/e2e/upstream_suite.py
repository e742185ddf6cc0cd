"""google-genai's own test-suite against a Backburner on the simulated engine (acceptance 10).

    python -m tests.e2e.upstream_suite [GROUP ...]      groups: batches files caches models shared; all by default

Prints passed, failed and skipped, and for each failure its reason. The tests come out of the installed wheel.
Some of them name files, batches and caches of Google's own test project. Such resources are made here first,
and their names put into the copy of the tests that is run (upstream/resources.py); nothing else in it changes.
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
from tests.e2e.upstream.resources import make_resources
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


@dataclass(frozen=True)
class Case:
    name: str
    verdict: str  # passed, failed, skipped
    words: str


def prepare(folder: Path, names: dict[str, str]) -> Path:
    """A copy of the SDK with the data files its tests want and our `names` in place of Google's; returns
    where its tests are."""
    installed = Path(google.genai.__file__).parent
    library = folder / "library" / "google" / "genai"
    shutil.copytree(installed, library, ignore=shutil.ignore_patterns("__pycache__"))
    write_stand_ins(library / "tests" / "data")
    write_stand_ins(folder / "work" / "tests" / "data")  # others open it from the working directory
    for path in (library / "tests").rglob("*.py"):
        text = path.read_text()
        renamed = re.sub("|".join(map(re.escape, names)), lambda found: names[found.group()], text)
        if renamed != text:
            path.write_text(renamed)
    return library / "tests"


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
    options = "--mode api -p tests.e2e.upstream.point_here -p no:xdist -p no:cacheprovider -q --tb=line"
    options += " -o asyncio_mode=auto -o addopts= --timeout 20 --continue-on-collection-errors"
    command = [sys.executable, "-m", "pytest", *options.split()]
    command += [f"--junitxml={report}", f"--rootdir={tests}"]
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
            tests = prepare(folder, make_resources(server))
            return told(run(server, tests, folder, groups))
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
