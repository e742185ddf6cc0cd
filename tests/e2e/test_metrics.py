"""The pages for machines on a real server: metrics that Prometheus' parser takes; doctor, who asks for readiness."""

import subprocess
from collections.abc import Iterator

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.e2e.jobs import asking, succeeded
from tests.e2e.server import SERVER_PYTHON, Server, clean_environment


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    running = Server(tmp_path_factory.mktemp("metrics")).start()
    yield running
    running.stop()


def samples(server: Server) -> dict[str, float]:
    """By name, over all labels."""
    found: dict[str, float] = {}
    for family in text_string_to_metric_families(server.http("GET", "/metrics").body.decode()):
        for sample in family.samples:
            found[sample.name] = found.get(sample.name, 0) + sample.value
    return found


def test_metrics_of_a_real_server(server: Server) -> None:
    client = server.client()
    made = client.batches.create(model="gemini-2.5-flash", src=[asking(f"question {n}") for n in range(5)])
    succeeded(client, made)
    found = samples(server)
    assert found["backburner_requests_total"] == found["backburner_calls_total"] == 5
    assert found["backburner_jobs_ended_total"] == 1
    assert found["backburner_commit_outcomes_count"] >= 1
    assert found["backburner_disk_free_bytes"] > 0 < found["process_resident_memory_bytes"]


def test_doctor_asks_a_server_that_runs(server: Server) -> None:
    port = server.url.rpartition(":")[2]
    environment = {**clean_environment(), "BACKBURNER_PORT": port, "BACKBURNER_ENGINE": "simulated"}
    command = [SERVER_PYTHON, "-m", "backburner", "doctor"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert "a server runs; loops running, store writable, engines: simulated up" in done.stdout
