"""Embedding jobs, inline and from a file, as the SDK makes them."""

import math
import warnings
from pathlib import Path

import pytest
from google import genai

from tests.e2e.jobs import EMBEDDING_MODEL, download, succeeded, upload, wire, write_lines
from tests.e2e.server import Server

TEXTS = ["the first text", "another one", "a third, rather longer text"]


@pytest.fixture(autouse=True)
def _experimental() -> None:
    warnings.filterwarnings("ignore", message=".*experimental.*")


def embedded(client: genai.Client, text: str, size: int) -> list[float]:
    found = client.models.embed_content(
        model=EMBEDDING_MODEL, contents=text, config={"output_dimensionality": size}
    )
    return found.embeddings[0].values


def test_inline_embeddings_stand_in_input_order(client: genai.Client) -> None:
    job = client.batches.create_embeddings(
        model=EMBEDDING_MODEL,
        src={"inlined_requests": {"contents": TEXTS, "config": {"output_dimensionality": 32}}},
        config={"display_name": "inline embeddings"},
    )
    job = succeeded(client, job)

    found = [item.response.embedding.values for item in job.dest.inlined_embed_content_responses]
    assert [len(values) for values in found] == [32, 32, 32]
    assert found == [pytest.approx(embedded(client, text, 32)) for text in TEXTS]


def test_embeddings_from_a_file_carry_their_keys(
    server: Server, client: genai.Client, tmp_path: Path
) -> None:
    lines = [
        {"key": f"k{n}", "request": {"content": {"parts": [{"text": text}]}, "output_dimensionality": 16}}
        for n, text in enumerate(TEXTS)
    ]
    name = upload(client, write_lines(tmp_path / "in.jsonl", lines))
    created = client.batches.create_embeddings(model=EMBEDDING_MODEL, src={"file_name": name})
    job = succeeded(client, created)

    found = download(client, job)
    assert [line["key"] for line in found] == ["k0", "k1", "k2"]
    values = [line["response"]["embedding"]["values"] for line in found]
    assert values == [pytest.approx(embedded(client, text, 16)) for text in TEXTS]
    assert all(int(line["response"]["tokenCount"]) > 0 for line in found)
    assert wire(server, job.name)["metadata"]["@type"].endswith("EmbedContentBatch")


def test_interactive_embeddings_of_one_and_of_many_agree(server: Server, client: genai.Client) -> None:
    many = client.models.embed_content(model=EMBEDDING_MODEL, contents=TEXTS)
    assert len(many.embeddings) == len(TEXTS)
    one = server.http(
        "POST",
        f"/v1beta/models/{EMBEDDING_MODEL}:embedContent",
        {"content": {"parts": [{"text": TEXTS[1]}]}},
    )
    assert one.json["embedding"]["values"] == pytest.approx(many.embeddings[1].values)
    assert math.isfinite(sum(one.json["embedding"]["values"]))


def test_a_generate_request_in_an_embedding_file_is_refused_by_name(
    client: genai.Client, tmp_path: Path
) -> None:
    wrong = [{"key": "k", "request": {"contents": [{"parts": [{"text": "hello"}]}]}}]
    name = upload(client, write_lines(tmp_path / "in.jsonl", wrong))
    with pytest.raises(genai.errors.ClientError) as refused:
        client.batches.create_embeddings(model=EMBEDDING_MODEL, src={"file_name": name})
    assert refused.value.code == 400
    words = str(refused.value)
    assert "line 1" in words
    assert "content" in words
