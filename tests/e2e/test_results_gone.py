"""A job can be looked at when its results are gone."""

from tests.e2e.jobs import MODEL, succeeded, wire
from tests.e2e.server import Server


def test_an_inline_job_whose_results_are_gone_is_still_there_without_them(server: Server) -> None:
    client = server.client()
    name = client.batches.create(model=MODEL, src=[{"contents": "say it"}], config={"display_name": "x"}).name
    assert name is not None
    succeeded(client, name)
    client.files.delete(name=f"files/batch-{name.removeprefix('batches/')}")
    operation = wire(server, name)
    assert operation["metadata"]["state"] == "JOB_STATE_SUCCEEDED"
    assert "output" not in operation["metadata"]
    assert client.batches.get(name=name).done
