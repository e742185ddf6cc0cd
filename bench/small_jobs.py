"""A thousand jobs of four requests at once; the same on a disk that takes 5 ms for an fsync."""

import shutil
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from bench.rows import Row, skipped
from bench.service import MODEL, asking, folder
from tests.e2e.server import Server

SLOW_FSYNC_MS = 5
# Every fsync and fdatasync of the process takes so much longer. Compiled here, where there is a compiler.
SHIM = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <unistd.h>
static int slow(const char *name, int fd) {
  usleep(%d * 1000);
  return ((int (*)(int))dlsym(RTLD_NEXT, name))(fd);
}
int fsync(int fd) { return slow("fsync", fd); }
int fdatasync(int fd) { return slow("fdatasync", fd); }
"""


def shim(made: Path) -> Path | None:
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        return None
    source, library = made / "slow.c", made / "slow.so"
    source.write_text(SHIM % SLOW_FSYNC_MS)
    command = [compiler, "-shared", "-fPIC", "-O1", "-o", str(library), str(source), "-ldl"]
    return library if subprocess.run(command, check=False).returncode == 0 else None


def took_s(server: Server, jobs: int) -> tuple[float, float]:
    """Seconds until all were accepted, and until all had ended."""
    begun = time.perf_counter()

    def make(number: int) -> None:
        items = [{"request": asking(f"{number} {n}")} for n in range(4)]
        body = {"batch": {"inputConfig": {"requests": {"requests": items}}}}
        reply = server.http("POST", f"/v1beta/models/{MODEL}:batchGenerateContent", body)
        assert reply.status == 200, reply.body

    with ThreadPoolExecutor(32) as pool:
        list(pool.map(make, range(jobs)))
    accepted_s = time.perf_counter() - begun
    while server.http("GET", "/api/v1/jobs?state=pending,running,finalizing&page_size=1").json["jobs"]:
        time.sleep(0.05)
    return accepted_s, time.perf_counter() - begun


def row(name: str, what: str, jobs: int, runs: list[tuple[float, float]]) -> Row:
    accepted = ", ".join(f"{accepted_s:.1f}" for accepted_s, _ in runs)
    how = f"created by 32 callers at once, inline; accepted after {accepted} s;"
    return Row(name=name, what=what, unit="s", runs=[ended_s for _, ended_s in runs], how=how)


def measure(quick: bool) -> list[Row]:
    jobs, times = (100, 1) if quick else (1_000, 1)
    what = f"{jobs:,} jobs of 4 requests at once"
    plain: list[tuple[float, float]] = []
    slow: list[tuple[float, float]] = []
    with folder() as made:
        library = shim(made)
        for run in range(times):
            for environment, runs in (({}, plain), ({"LD_PRELOAD": str(library)}, slow)):
                if environment and library is None:
                    continue
                place = made / f"{run}-{len(environment)}"
                place.mkdir()
                server = Server(place, options=("--no-pull",), environment=environment)
                server.start()
                try:
                    runs.append(took_s(server, jobs))
                finally:
                    server.kill()
    slow_what = f"{what}, an fsync takes {SLOW_FSYNC_MS} ms"
    if library is None:
        return [
            row("small-jobs", what, jobs, plain),
            skipped("small-jobs-slow", slow_what, "no C compiler here"),
        ]
    return [row("small-jobs", what, jobs, plain), row("small-jobs-slow", slow_what, jobs, slow)]
