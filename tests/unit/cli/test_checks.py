import socket
from pathlib import Path

import pytest

from backburner.cli import checks, checks_data
from backburner.cli.checks import Level
from backburner.core.clock import SystemClock
from backburner.store.ownership import Ownership
from tests.unit.cli.command import Command


def test_an_old_python_is_missing() -> None:
    assert checks.python_finding((3, 10, 12)).level is Level.MISSING
    assert checks.python_finding((3, 11, 0)).level is Level.OK


def test_a_cpu_without_avx2_is_a_warning(tmp_path: Path) -> None:
    info = tmp_path / "cpuinfo"
    info.write_text("processor : 0\nflags\t\t: fpu sse2 avx avx2 avx512f\nflags : none\n")
    flags = checks.cpu_flags(info)
    assert flags is not None
    assert checks.cpu_finding(flags).level is Level.OK
    assert "avx512f" in checks.cpu_finding(flags).words
    assert checks.cpu_finding(flags - {"avx2"}).level is Level.WARN
    assert checks.cpu_finding(checks.cpu_flags(tmp_path / "no")).level is Level.OK


@pytest.mark.parametrize(
    ("available_kb", "limit", "level"),
    [(8_000_000, "max", Level.OK), (1_000_000, "max", Level.WARN), (8_000_000, "1500000000", Level.WARN)],
)
def test_memory_is_that_of_the_container_where_it_is_less(
    tmp_path: Path, available_kb: int, limit: str, level: Level
) -> None:
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/meminfo").write_text(f"MemTotal: 9 kB\nMemAvailable:   {available_kb} kB\n")
    (tmp_path / "sys/fs/cgroup").mkdir(parents=True)
    (tmp_path / "sys/fs/cgroup/memory.max").write_text(f"{limit}\n")
    (tmp_path / "sys/fs/cgroup/memory.current").write_text("100000000\n")
    assert checks.memory_finding(tmp_path).level is level


def test_a_port_in_use_is_named() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        (finding,) = checks_data.port_findings("127.0.0.1", port)
    assert finding.level is Level.WARN
    assert str(port) in finding.words
    assert "--port" in finding.mend


def test_the_data_folder_is_looked_at_and_not_made(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    found = {one.what: one for one in checks_data.data_findings(folder, SystemClock())}
    assert {one.level for name, one in found.items() if name in ("data", "fsync")} <= {Level.OK, Level.WARN}
    assert found["fsync"].words.partition(" ms")[0].replace(".", "").isdigit()
    assert not folder.exists()


def test_a_running_server_is_no_fault(tmp_path: Path) -> None:
    owned = Ownership(tmp_path)
    assert "a server is running" in checks_data.owner(tmp_path).words
    owned.release()
    assert "a server is running" not in checks_data.owner(tmp_path).words


class TestDoctor:
    def test_missing_models_and_the_command_that_mends_it(self, command: Command) -> None:
        ran = command("doctor")
        assert ran.code == 1
        assert "backburner models pull" in ran.out
        assert "missing" in ran.err.lower()

    def test_a_missing_runtime(self, command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(checks.runtime, "missing", lambda: ["openvino_genai"])
        ran = command("doctor")
        assert ran.code == 1
        assert "pip install 'backburner[local]'" in ran.out

    def test_another_server_needs_neither(
        self, command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(checks.runtime, "missing", lambda: ["openvino_genai"])
        file = tmp_path / "c.toml"
        file.write_text('engine = "up"\n[engines.up]\nkind = "openai"\nbase_url = "http://127.0.0.1:9/v1"\n')
        ran = command("doctor", "--config", file)
        assert ran.code == 0, ran.out
        assert "up is configured" in ran.out

    def test_a_wrong_config(self, command: Command, tmp_path: Path) -> None:
        file = tmp_path / "c.toml"
        file.write_text('[engines.up]\nkind = "opnai"\n')
        ran = command("doctor", "--config", file)
        assert ran.code == 1
        line = next(line for line in ran.out.splitlines() if line.split()[1] == "config")
        assert line.startswith("missing")
        assert str(file) in line
