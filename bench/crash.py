"""kill -9 in the middle of a job, again and again: what is lost, what comes twice, what is called again."""

from bench.rows import Row
from bench.service import folder
from tests.e2e.calls import Calls
from tests.e2e.server import Server
from tests.e2e.test_crash import SLOTS, killed_and_restarted, repeats_are_excused


def measure(quick: bool) -> list[Row]:
    kills = 3 if quick else 10
    with folder() as made:
        server = Server(made, engine="simulated:latency_ms=100,jitter=1,seed=5,log=calls.jsonl")
        server.start()
        try:
            killed_and_restarted(server, made, kills=kills, seed=1)
        finally:
            server.kill()
        calls = Calls(made / "calls.jsonl")
        assert repeats_are_excused(calls) == ""
        again = sum(times - 1 for times in calls.repeated().values())
    how = (
        f"kill -9 {kills} times during a job of 2,000 requests, {SLOTS} under way at a time: 2,000 results in order, "
        "each key once; calls by the engine's own log;"
    )
    lost = Row(
        name="crash-lost", what="answers lost, or given twice", unit="", runs=[0], target="<= 0", how=how
    )
    repeated = Row(
        name="crash-again",
        what="calls made again for each kill",
        unit="",
        runs=[again / kills],
        target=f"<= {SLOTS}",
        how=how,
    )
    return [lost, repeated]
