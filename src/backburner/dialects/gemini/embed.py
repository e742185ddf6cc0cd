"""EmbedContentRequest as an embeddings call, and the answer back (contract 3.4).

One request is one text: its parts joined by line breaks. `taskType` is accepted and changes nothing for models
that have no task prompts; a `title` is put on a line of its own before the text. The models here embed text.
"""

import msgspec

from backburner.core.exchange import Answer, Call, CallKind, Feature, Json
from backburner.dialects.gemini.media import NotCallable
from backburner.dialects.protocol import Refusal, Setting


def embed_call(requests: list[dict[str, Json]], setting: Setting) -> Call | Refusal:
    """One call for canonical requests that share their outputDimensionality (one request in a batch job)."""
    try:
        texts = [embed_text(request) for request in requests]
    except NotCallable as cannot:
        return cannot.refusal
    body: dict[str, Json] = {"input": texts}
    needs = {Feature.EMBED}
    dimensions = requests[0].get("outputDimensionality") if requests else None
    if dimensions is not None:
        body["dimensions"] = dimensions
        needs.add(Feature.DIMENSIONS)
    return Call(kind=CallKind.EMBED, model=setting.model, body=body, needs=frozenset(needs))


def embed_text(request: dict[str, Json]) -> str:
    pieces = [request["title"]] if request.get("title") else []
    for part in request["content"].get("parts", ()):
        if "text" not in part:
            raise NotCallable("only text can be embedded here; the content holds a part that is not text")
        pieces.append(part["text"])
    return "\n".join(pieces)


def vectors_of(answer: Answer) -> list[list[float]]:
    """The vectors in the order of the inputs."""
    rows: list[dict[str, Json]] = [row for row in answer.body.get("data") or () if isinstance(row, dict)]
    rows.sort(key=_index)
    return [row["embedding"] for row in rows if isinstance(row.get("embedding"), list)]


def _index(row: dict[str, Json]) -> int:
    place = row.get("index")
    return place if isinstance(place, int) else 0


def embedding_body(answer: Answer) -> bytes | None:
    """The response of one embedding request; None when the engine sent no vector."""
    vectors = vectors_of(answer)
    if not vectors or not vectors[0]:
        return None
    out: dict[str, Json] = {"embedding": {"values": vectors[0]}}
    if answer.usage.prompt:
        out["tokenCount"] = str(answer.usage.prompt)
    return msgspec.json.encode(out)


def embeddings_body(answer: Answer) -> dict[str, Json]:
    """The answer of batchEmbedContents."""
    return {"embeddings": [{"values": values} for values in vectors_of(answer)]}
