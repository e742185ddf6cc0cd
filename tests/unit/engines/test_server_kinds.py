import pytest

from backburner.core.exchange import Feature
from backburner.engines.server_kinds import KINDS, TokenCount, recognised


def test_priorities_have_opposite_signs() -> None:
    """vLLM serves the smaller number first, SGLang the larger; the others know no such field."""
    vllm, sglang = KINDS["vllm"].priority, KINDS["sglang"].priority
    assert vllm is not None
    assert sglang is not None
    assert (vllm.value(5), sglang.value(5)) == (-5, 5)
    assert all(KINDS[name].priority is None for name in ("llamacpp", "ollama", "openai", "generic"))


@pytest.mark.parametrize(
    ("kind", "silently_passed_over"),
    [
        ("llamacpp", {Feature.DIMENSIONS}),
        ("ollama", {Feature.TOP_K, Feature.CANDIDATES}),
        ("openai", {Feature.TOP_K}),
        ("generic", {Feature.TOP_K, Feature.THINKING}),
    ],
)
def test_what_a_server_would_ignore_is_not_promised(kind: str, silently_passed_over: set[Feature]) -> None:
    assert not KINDS[kind].features & silently_passed_over


def test_every_kind_does_chat_and_schemas_and_none_searches_the_web() -> None:
    for kind in KINDS.values():
        assert {Feature.CHAT, Feature.EMBED, Feature.JSON_SCHEMA} <= kind.features
        assert Feature.WEB_SEARCH not in kind.features


def test_only_two_kinds_count_tokens() -> None:
    assert {name for name, kind in KINDS.items() if kind.tokens is not TokenCount.NONE} == {
        "vllm",
        "llamacpp",
    }


def test_the_owner_of_the_models_tells_the_kind() -> None:
    def kind(owner: str, host: str = "localhost") -> str | None:
        found = recognised([{"id": "m"}, {"id": "n", "owned_by": owner}], host)
        return found.name if found else None

    assert kind("vllm") == "vllm"
    assert kind("sglang") == "sglang"
    assert kind("llamacpp") == "llamacpp"
    assert kind("library") == "ollama"
    assert kind("system", "api.openai.com") == "openai"
    assert kind("somebody") is None
