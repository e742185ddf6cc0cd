"""The command line as a person or a script uses it: processes, files, exit codes, signals."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.calls import Calls
from tests.e2e.conftest import Serve
from tests.e2e.jobs import asking, text_of, write_lines
from tests.e2e.server import clean_environment
from tests.e2e.test_crash import SLOTS, repeats_are_excused

BACKBURNER = (sys.executable, "-m", "backburner")


class Shell:
    """Runs commands in one folder; what is still running at the end of a test is ended."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._begun: list[subprocess.Popen[bytes]] = []

    def __call__(self, *words: object, stdin: bytes = b"") -> subprocess.CompletedProcess[str]:
        ran = subprocess.run(
            [*BACKBURNER, *map(str, words)],
            cwd=self.folder,
            env=self._environment(),
            input=stdin,
            capture_output=True,
            timeout=60,
        )
        out, err = ran.stdout.decode(), ran.stderr.decode()
        assert "Traceback" not in err, err
        return subprocess.CompletedProcess(ran.args, ran.returncode, out, err)

    def begin(self, *words: object) -> "subprocess.Popen[bytes]":
        process = subprocess.Popen(
            [*BACKBURNER, *map(str, words)],
            cwd=self.folder,
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        self._begun.append(process)
        return process

    def _environment(self) -> dict[str, str]:
        home = dict.fromkeys(
            ("XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"), str(self.folder / "home")
        )
        found = {**clean_environment(), **home}
        found.pop("BACKBURNER_MODELS_DIR", None)
        return found

    def close(self) -> None:
        for process in self._begun:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.communicate()


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    made = Shell(tmp_path)
    yield made
    made.close()


def questions(path: Path, count: int) -> list[str]:
    """An input file whose keys are in no order; the keys."""
    keys = [f"key-{n * 7919 % count:05d}" for n in range(count)]
    write_lines(path, ({"key": key, "request": asking(f"echo {key}")} for key in keys))
    return keys


def lines_of(path: Path) -> list[dict[str, Any]]:
    content = path.read_text()
    assert content.endswith("\n")
    return [json.loads(line) for line in content.splitlines()]


def answers(path: Path, keys: Sequence[str]) -> bool:
    found = lines_of(path)
    return [line["key"] for line in found] == list(keys) and [text_of(line) for line in found] == [
        f"echo {key}" for key in keys
    ]


def wait_for_calls(log: Path, count: int) -> None:
    """Until the engine has answered so many."""
    give_up_at = time.monotonic() + 30
    while len(Calls(log).answered()) < count:
        assert time.monotonic() < give_up_at, f"{len(Calls(log).answered())} of {count} calls after 30 s"
        time.sleep(0.01)


class TestRun:
    def test_answers_in_input_order_and_nothing_left_behind(self, shell: Shell, tmp_path: Path) -> None:
        keys = questions(tmp_path / "in.jsonl", 500)
        ran = shell("run", "in.jsonl", "--engine", "simulated:latency_ms=10,jitter=1")
        assert ran.returncode == 0, ran.stderr
        assert answers(tmp_path / "in.results.jsonl", keys)
        assert sorted(path.name for path in tmp_path.iterdir()) == ["in.jsonl", "in.results.jsonl"]
        assert "500 of 500 succeeded" in ran.stderr
        assert "1,000 tokens in, 1,000 out" in ran.stderr
        assert ran.stdout == ""

    def test_kill_9_and_again_continues(self, shell: Shell, tmp_path: Path) -> None:
        keys = questions(tmp_path / "in.jsonl", 1_000)
        log = tmp_path / "calls.jsonl"
        words = (
            "run",
            "in.jsonl",
            "-o",
            "out.jsonl",
            "--engine",
            f"simulated:latency_ms=60,jitter=1,log={log}",
        )
        for done in (150, 500):
            process = shell.begin(*words)
            wait_for_calls(log, done)
            process.kill()
            process.wait()
            assert not (tmp_path / "out.jsonl").exists(), "the output appears whole or not at all"
        ran = shell(*words)
        assert ran.returncode == 0, ran.stderr
        found = re.search(r"Continuing: ([\d,]+) of 1,000", ran.stderr)
        assert found
        assert int(found[1].replace(",", "")) >= 500 - SLOTS
        assert answers(tmp_path / "out.jsonl", keys)
        calls = Calls(log)
        assert len(calls.pids()) == 3
        assert repeats_are_excused(calls) == ""
        assert not (tmp_path / "out.jsonl.backburner").exists()

    @pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
    def test_kill_9_leaves_no_process_behind(self, shell: Shell, tmp_path: Path) -> None:
        questions(tmp_path / "in.jsonl", 500)
        log = tmp_path / "calls.jsonl"
        process = shell.begin("run", "in.jsonl", "--engine", f"simulated:latency_ms=100,log={log}")
        wait_for_calls(log, 10)
        assert len(group(process.pid)) > 1, "the child that checks lines is of the same group"
        process.kill()
        process.wait()
        give_up_at = time.monotonic() + 10
        while left := group(process.pid):
            assert time.monotonic() < give_up_at, left
            time.sleep(0.02)

    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
    def test_a_signal_drains_and_says_how_to_continue(
        self, shell: Shell, tmp_path: Path, number: signal.Signals
    ) -> None:
        keys = questions(tmp_path / "in.jsonl", 600)
        log = tmp_path / "calls.jsonl"
        words = ("run", "in.jsonl", "--engine", f"simulated:latency_ms=60,log={log}")
        process = shell.begin(*words)
        wait_for_calls(log, 100)
        os.killpg(process.pid, number)  # as a terminal does it: to the whole group
        _, said = process.communicate(timeout=30)
        assert process.returncode == 128 + number
        assert f"To continue: backburner {' '.join(words)}" in said.decode()
        assert "Traceback" not in said.decode()
        ran = shell(*words)
        assert ran.returncode == 0
        assert answers(tmp_path / "in.results.jsonl", keys)
        assert Calls(log).repeated() == {}, "a drained run repeats nothing"

    def test_another_input_or_option_starts_afresh(self, shell: Shell, tmp_path: Path) -> None:
        questions(tmp_path / "in.jsonl", 400)
        log = tmp_path / "calls.jsonl"
        engine = f"simulated:latency_ms=200,log={log}"
        process = shell.begin("run", "in.jsonl", "--engine", engine)
        wait_for_calls(log, 10)
        process.kill()
        process.wait()
        keys = questions(tmp_path / "in.jsonl", 50)
        ran = shell("run", "in.jsonl", "--engine", engine)
        assert ran.returncode == 0
        assert "Continuing" not in ran.stderr
        assert "unfinished run" in ran.stderr
        assert answers(tmp_path / "in.results.jsonl", keys)

    def test_the_same_run_twice_at_once_is_refused(self, shell: Shell, tmp_path: Path) -> None:
        questions(tmp_path / "in.jsonl", 400)
        log = tmp_path / "calls.jsonl"
        words = ("run", "in.jsonl", "--engine", f"simulated:latency_ms=500,log={log}")
        shell.begin(*words)
        wait_for_calls(log, 1)
        ran = shell(*words)
        assert ran.returncode == 2
        assert "another process" in ran.stderr

    def test_wrong_lines_are_all_named_before_any_call(self, shell: Shell, tmp_path: Path) -> None:
        lines: list[Any] = [{"key": f"k{n}", "request": asking(f"say {n}")} for n in range(20)]
        lines[4]["request"]["generationConfig"] = {"temprature": 1}
        lines[9]["request"]["contents"][0]["parts"] = [{"fileData": {"fileUri": "files/abc"}}]
        lines[14] = "{oops"
        write_lines(tmp_path / "in.jsonl", lines)
        log = tmp_path / "calls.jsonl"
        ran = shell("run", "in.jsonl", "--engine", f"simulated:log={log}")
        assert ran.returncode == 2
        assert [int(n) for n in re.findall(r"^line (\d+)", ran.stderr, re.MULTILINE)] == [5, 10, 15]
        assert "3 of 20 lines are wrong" in ran.stderr
        assert "files/abc" in ran.stderr
        assert not log.exists()
        assert not (tmp_path / "in.results.jsonl").exists()

        ran = shell("run", "in.jsonl", "--on-invalid", "skip", "--engine", "simulated")
        assert ran.returncode == 1
        assert "17 of 20 succeeded, 3 failed" in ran.stderr
        found = lines_of(tmp_path / "in.results.jsonl")
        assert [place for place, line in enumerate(found) if "error" in line] == [4, 9, 14]
        assert [text_of(line) for line in found if "response" in line] == [
            f"say {n}" for n in range(20) if n not in (4, 9, 14)
        ]

    def test_none_succeeded_is_exit_code_3_with_the_reason(self, shell: Shell, tmp_path: Path) -> None:
        lines = [
            {"key": f"k{n}", "request": {**asking("x"), "tools": [{"google_search": {}}]}} for n in range(5)
        ]
        write_lines(tmp_path / "in.jsonl", lines)
        ran = shell("run", "in.jsonl", "--engine", "simulated")
        assert ran.returncode == 3
        assert "0 of 5 succeeded, 5 failed" in ran.stderr
        assert re.search(r"5 x [A-Z_]+: .*google_search", ran.stderr)
        assert all("error" in line for line in lines_of(tmp_path / "in.results.jsonl"))

    def test_an_output_that_is_there_is_kept_unless_forced(self, shell: Shell, tmp_path: Path) -> None:
        keys = questions(tmp_path / "in.jsonl", 3)
        (tmp_path / "out.jsonl").write_text("precious\n")
        words = ("run", "in.jsonl", "-o", "out.jsonl", "--engine", "simulated")
        ran = shell(*words)
        assert ran.returncode == 2
        assert "--force" in ran.stderr
        assert (tmp_path / "out.jsonl").read_text() == "precious\n"
        assert shell(*words, "--force").returncode == 0
        assert answers(tmp_path / "out.jsonl", keys)

    def test_standard_input_and_output(self, shell: Shell, tmp_path: Path) -> None:
        keys = questions(tmp_path / "in.jsonl", 40)
        ran = shell(
            "run",
            "-",
            "--engine",
            "simulated:latency_ms=5,jitter=1",
            stdin=(tmp_path / "in.jsonl").read_bytes(),
        )
        assert ran.returncode == 0, ran.stderr
        (tmp_path / "out.jsonl").write_text(ran.stdout)
        assert answers(tmp_path / "out.jsonl", keys)
        assert sorted(path.name for path in tmp_path.iterdir()) == ["in.jsonl", "out.jsonl"]
        assert shell("run", "-", "--engine", "simulated").returncode == 2, "nothing in it"

    def test_embeddings_are_seen_from_the_lines(self, shell: Shell, tmp_path: Path) -> None:
        lines = [{"key": f"k{n}", "request": {"content": {"parts": [{"text": f"t{n}"}]}}} for n in range(4)]
        write_lines(tmp_path / "in.jsonl", lines)
        ran = shell("run", "in.jsonl", "--engine", "simulated")
        assert ran.returncode == 0, ran.stderr
        found = lines_of(tmp_path / "in.results.jsonl")
        assert len({tuple(line["response"]["embedding"]["values"]) for line in found}) == 4

    @pytest.mark.parametrize(
        ("words", "said"),
        [
            (["run", "no.jsonl"], "no.jsonl"),
            (["run", "empty.jsonl"], "empty"),
            (["run", "in.jsonl", "-o", "no/out.jsonl"], "no folder"),
            (["run", "in.jsonl", "--engine", "simulated:latency=1"], "latency_ms"),
            (["run", "in.jsonl", "--engine", "nonsense"], "nonsense"),
        ],
    )
    def test_what_cannot_be_done_is_refused_in_words(
        self, shell: Shell, tmp_path: Path, words: list[str], said: str
    ) -> None:
        questions(tmp_path / "in.jsonl", 2)
        (tmp_path / "empty.jsonl").touch()
        ran = shell(*words)
        assert ran.returncode == 2
        assert said in ran.stderr
        assert sorted(path.name for path in tmp_path.iterdir()) == ["empty.jsonl", "in.jsonl"], (
            "nothing is left"
        )


def group(leader: int) -> list[int]:
    """The processes of a group that still run."""
    found: list[int] = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(fields[2]) == leader and fields[0] != "Z":
                found.append(int(entry.name))
    return found


def test_validate_names_twelve_mistakes_among_ten_thousand_lines(shell: Shell, tmp_path: Path) -> None:
    wrong = {n * 800 + 37 for n in range(12)}
    lines = (
        {"key": f"k{n}", "request": asking("x", temprature=1) if n in wrong else asking("x")}
        for n in range(10_000)
    )
    write_lines(tmp_path / "in.jsonl", lines)
    ran = shell("validate", "in.jsonl")
    assert ran.returncode == 1
    assert [int(n) for n in re.findall(r"^line (\d+) ", ran.stdout, re.MULTILINE)] == [
        n + 1 for n in sorted(wrong)
    ]
    assert ran.stdout.count("Did you mean temperature") == 12


def test_keys_of_a_running_server(shell: Shell, serve: Serve) -> None:
    server = serve()
    data = ("--data", server.data)
    assert server.http("GET", "/v1beta/models").status == 200
    key = shell("keys", "create", "--tenant", "research", *data).stdout.strip()
    assert server.http("GET", "/v1beta/models").status in (400, 401, 403)
    assert server.http("GET", "/v1beta/models", headers={"x-goog-api-key": key}).status == 200
    (row,) = shell("keys", "list", *data).stdout.splitlines()[1:]
    assert shell("keys", "revoke", row.split()[0], *data).returncode == 0
    assert server.http("GET", "/v1beta/models", headers={"x-goog-api-key": key}).status in (400, 401, 403)


def test_serve_says_what_to_change_in_ones_code(serve: Serve) -> None:
    server = serve()
    lines = server.said("OpenAI's and Anthropic's").splitlines()
    assert server.url in lines[0]
    said = "\n".join(lines)
    assert f'http_options={{"base_url": "{server.url}"}}' in said
    assert f'httpOptions: {{ baseUrl: "{server.url}" }}' in said
    assert "simulated/*" in said


def test_serve_beyond_this_machine_needs_a_key(shell: Shell) -> None:
    ran = shell("serve", "--host", "0.0.0.0", "--port", "0", "--engine", "simulated")
    assert ran.returncode == 2
    assert "backburner keys create" in ran.stderr


def test_config_and_doctor_as_processes(shell: Shell, tmp_path: Path) -> None:
    ran = shell("config", "--data", "here")
    assert ran.returncode == 0
    assert re.search(r'^data = "here" +# --data$', ran.stdout, re.MULTILINE)
    ran = shell("doctor")
    assert ran.returncode == 1, "no models in this home"
    assert "-> backburner models pull" in ran.stdout
    assert {line.split()[0] for line in ran.stdout.splitlines()} <= {"ok", "warn", "missing", "->"}
    assert list(tmp_path.iterdir()) == [], "doctor changes nothing"


def test_the_demo_keeps_its_promises_on_the_simulated_engine(shell: Shell) -> None:
    ran = shell("demo", "--engine", "simulated:latency_ms=400,jitter=1,seed=3")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "✗" not in ran.stdout
    assert "kill -9" in ran.stdout
    assert "exit code 0" in ran.stdout
    places = [ran.stdout.find(f"\n   {country} ") for country in ("France", "Greece", "Ghana", "Syria")]
    assert -1 not in places
    assert places == sorted(places)
