"""The chat loop on a made-up pipeline: who gets which answer, above all when the pipeline falls."""

from typing import Any

import pytest

from backburner.core.exchange import CallKind
from backburner.engines.local.chat import ChatLoop
from backburner.engines.local.frames import (
    Answered,
    Ask,
    Cancel,
    Count,
    Counted,
    Embed,
    Failed,
    Piece,
    Ready,
    ToChild,
    ToParent,
    Wrong,
)
from backburner.engines.local.generation import Generation, Leg, Sequence
from backburner.engines.local.pipeline import StepFailed
from backburner.engines.local.setup import Setup

SETUP = Setup(
    kind=CallKind.CHAT,
    model="made-up",
    model_dir="",
    socket=0,
    parent=0,
    threads=1,
    cache_bytes=0,
    context_tokens=200,
    output_tokens=20,
    temperature=1.0,
    top_p=1.0,
)
GRAMMAR_ERROR = "[10:00:00] /build/xgrammar-src/cpp/grammar_parser.cc:552: EBNF parser error: no such rule"
# A schema whose grammar the made-up compiler chokes on, and one whose grammar it likes.
BAD, GOOD = {"enum": ["bad"]}, {"enum": ["good"]}


class Done(Exception):
    """Nothing is left to be done."""


class Handle:
    def __init__(self) -> None:
        self.tokens: list[int] = []
        self.cancelled = False
        self.ended = ""

    def can_read(self) -> bool:
        return bool(self.tokens)

    def cancel(self) -> None:
        self.cancelled = True


class MadeUpPipeline:
    """Answers each request with its own prompt, one character a step; a token is a code point."""

    def __init__(self) -> None:
        self.legs: list[tuple[Leg, list[int], int]] = []
        self.opened = 1
        self.blocks = 0
        self.most = 0  # that were inside at once
        self.falls: list[str] = []  # reasons to fall for at the next steps
        self.starve = False
        self.added: list[tuple[str, int, str | None]] = []

    def blocks_for(self, generation: Generation) -> int:
        return len(generation.prompt_ids)

    def reopen(self) -> None:
        self.opened += 1
        self.legs = []

    def prompt_ids(self, messages: list[dict[str, str]]) -> list[int]:
        return [ord(char) for char in messages[-1]["content"]]

    def text(self, ids: list[int]) -> str:
        return "".join(map(chr, ids))

    def token_bytes(self, token: int) -> bytes:
        return chr(token).encode()

    def add(self, generation: Generation, sequences: list[Sequence], tokens: int, form: str | None) -> Leg:
        prompt = self.text(generation.prompt_ids)
        if prompt == "refused settings":
            raise RuntimeError("Check failed at src/config.cc:3: 'x' must be positive")
        script = prompt if form is None else self.scripted(form, prompt)
        rest = [ord(char) for char in script][len(sequences[0].ids) :]
        leg = Leg(generation, sequences, form, Handle())
        self.legs.append((leg, rest, tokens))
        self.added.append((prompt, tokens, form))
        return leg

    @staticmethod
    def scripted(form: str, prompt: str) -> str:
        return '"good"' if "good" in form else prompt

    def busy(self) -> bool:
        return bool(self.legs)

    def step(self) -> None:
        self.most = max(self.most, len(self.legs))
        if self.falls:
            raise StepFailed(self.falls.pop(0))
        if any(leg.form and "bad" in leg.form for leg, _, _ in self.legs):
            raise StepFailed(GRAMMAR_ERROR)
        for leg, rest, tokens in self.legs:
            handle = leg.handle
            made = len(handle.tokens)
            if self.starve:
                handle.ended = "starved"
            elif made < min(tokens, len(rest)):
                handle.tokens.append(rest[made])
            if not handle.ended and len(handle.tokens) == len(rest):
                handle.ended = "stop"
            elif not handle.ended and len(handle.tokens) == tokens:
                handle.ended = "length"
        self.legs = [one for one in self.legs if not one[0].handle.ended and not one[0].handle.cancelled]

    def read(self, leg: Leg) -> bool:
        handle = leg.handle
        if not handle.ended and not leg.generation.stream:
            return False
        for sequence in leg.sequences:
            before = getattr(sequence, "before", len(sequence.ids))
            sequence.before = before  # type: ignore[attr-defined]
            sequence.ids[before:] = handle.tokens
            sequence.finish = handle.ended if handle.ended in ("stop", "length") else ""
        if handle.ended:
            for sequence in leg.sequences:
                del sequence.before  # type: ignore[attr-defined]
        return bool(handle.ended)


class MadeUpWire:
    """Gives the loop its frames, each list when the one before is worked on, and keeps what it sends."""

    def __init__(self, *batches: list[ToChild]) -> None:
        self.batches = list(batches)
        self.sent: list[ToParent] = []

    def drain(self, *, wait: bool) -> list[ToChild]:
        if self.batches:
            return self.batches.pop(0)
        if wait:
            raise Done
        return []

    def send(self, *frames: ToParent) -> None:
        self.sent += frames


def ask(number: int, text: str, schema: Any = None, stream: bool = False, **body: Any) -> Ask:
    if schema is not None:
        body["response_format"] = {"type": "json_schema", "json_schema": {"schema": schema}}
    return Ask(number, {"messages": [{"role": "user", "content": text}], "temperature": 0, **body}, stream)


def run(*batches: list[ToChild], pipeline: MadeUpPipeline | None = None) -> dict[int, ToParent]:
    """The last frame for each id; each id but the pieces' has exactly one."""
    wire = MadeUpWire(*batches)
    loop = ChatLoop(SETUP, wire, pipeline or MadeUpPipeline())  # type: ignore[arg-type]
    with pytest.raises(Done):
        loop.run()
    assert wire.sent[0] == Ready(200)
    last = [frame for frame in wire.sent[1:] if not isinstance(frame, Piece)]
    found = {frame.id: frame for frame in last if not isinstance(frame, Ready)}
    assert len(found) == len(last)
    return found


def said(frame: ToParent) -> str:
    assert isinstance(frame, Answered), frame
    return frame.body["choices"][0]["message"]["content"]


def finish(frame: ToParent) -> str:
    assert isinstance(frame, Answered), frame
    return frame.body["choices"][0]["finish_reason"]


def test_each_ask_gets_its_own_answer() -> None:
    found = run([ask(1, "one"), ask(2, "three")], [ask(3, "six")])
    assert {number: said(frame) for number, frame in found.items()} == {1: "one", 2: "three", 3: "six"}
    answer = found[2]
    assert isinstance(answer, Answered)
    assert (answer.prompt, answer.output) == (5, 5)
    assert answer.body["usage"] == {
        "prompt_tokens": 5,
        "completion_tokens": 5,
        "total_tokens": 10,
        "prompt_tokens_details": {"cached_tokens": 0},
    }


def test_the_cap_ends_an_answer_and_says_so() -> None:
    found = run([ask(1, "x" * 50), ask(2, "abcdef", max_completion_tokens=3)])
    assert (len(said(found[1])), finish(found[1])) == (20, "length")
    assert (said(found[2]), finish(found[2])) == ("abc", "length")


def test_the_context_limits_the_answer_and_refuses_a_prompt_that_fills_it() -> None:
    found = run([ask(1, "x" * 190, max_completion_tokens=100), ask(2, "x" * 200), ask(3, "fine")])
    assert (len(said(found[1])), finish(found[1])) == (10, "length")
    refusal = found[2]
    assert isinstance(refusal, Wrong)
    assert "200 tokens" in refusal.message
    assert "at most 199" in refusal.message
    assert said(found[3]) == "fine"


def test_text_is_cut_at_a_stop_string_exactly() -> None:
    found = run([ask(1, "one, two, three", stop=[" tw"])])
    assert said(found[1]) == "one,"
    assert finish(found[1]) == "stop"


def test_greedy_candidates_are_made_once_and_counted_each() -> None:
    pipeline = MadeUpPipeline()
    found = run([ask(1, "abc", n=3)], pipeline=pipeline)[1]
    assert isinstance(found, Answered)
    assert [choice["message"]["content"] for choice in found.body["choices"]] == ["abc"] * 3
    assert [choice["index"] for choice in found.body["choices"]] == [0, 1, 2]
    assert found.output == 9
    assert len(pipeline.added) == 1


def test_a_malformed_body_is_refused_and_its_neighbours_are_answered() -> None:
    found = run(
        [
            Ask(1, {"messages": "hello"}),
            Ask(2, {"messages": [7]}),
            Ask(3, {"tools": {"a": 1}}),
            ask(4, "good"),
        ]
    )
    assert all(isinstance(found[number], Wrong) for number in (1, 2, 3))
    assert said(found[4]) == "good"


def test_settings_the_runtime_refuses_are_the_requests_fault() -> None:
    found = run([ask(1, "refused settings"), ask(2, "fine")])
    assert found[1] == Wrong(1, "the runtime refuses this request: 'x' must be positive")
    assert said(found[2]) == "fine"


def test_tokens_are_counted_without_answering() -> None:
    assert run([Count(1, {"messages": [{"role": "user", "content": "four"}]})]) == {1: Counted(1, 4)}


def test_embeddings_are_not_made_here() -> None:
    assert isinstance(run([Embed(1, ["a"])])[1], Wrong)


def test_a_cancelled_ask_is_let_go_and_never_answered() -> None:
    pipeline = MadeUpPipeline()
    found = run([ask(1, "x" * 19), ask(2, "short")], [Cancel(1)], pipeline=pipeline)
    assert set(found) == {2}
    assert not pipeline.legs


def test_no_more_are_let_in_than_the_cache_has_room_for_and_in_their_order() -> None:
    pipeline = MadeUpPipeline()
    pipeline.blocks = 20
    wire = MadeUpWire([ask(1, "x" * 30), *(ask(number, f"prompt {number}") for number in range(2, 8))])
    with pytest.raises(Done):
        ChatLoop(SETUP, wire, pipeline).run()  # type: ignore[arg-type]
    assert pipeline.most == 2
    assert [prompt for prompt, _, _ in pipeline.added][:3] == ["x" * 30, "prompt 2", "prompt 3"]
    assert sorted(frame.id for frame in wire.sent if isinstance(frame, Answered)) == list(range(1, 8))


def test_one_that_waits_for_room_can_be_cancelled() -> None:
    pipeline = MadeUpPipeline()
    pipeline.blocks = 10
    found = run([ask(1, "first one"), ask(2, "second"), ask(3, "third")], [Cancel(2)], pipeline=pipeline)
    assert set(found) == {1, 3}
    assert [prompt for prompt, _, _ in pipeline.added] == ["first one", "third"]


def test_an_answer_under_a_schema_that_runs_out_of_room_is_closed() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}
    pipeline = MadeUpPipeline()
    text = '{"a": "' + "word " * 10
    found = run([ask(1, text, schema, max_completion_tokens=40)], pipeline=pipeline)
    (_, first, loose), (_, rest, tight) = pipeline.added
    assert loose is not None
    assert tight is not None
    assert first + rest == 40
    assert "*" in loose
    assert "*" not in tight
    assert finish(found[1]) == "length"  # the made-up model does not heed grammars


def test_an_answer_that_breaks_its_form_is_a_failure() -> None:
    found = run([ask(1, "no json", {"type": "null"}), ask(2, "fine")])
    assert isinstance(found[1], Failed)
    assert "form" in found[1].message
    assert said(found[2]) == "fine"


def test_pieces_of_a_stream_make_up_the_answer() -> None:
    wire = MadeUpWire([ask(1, "abc def", stream=True), ask(2, "xyz STOP", stream=True, stop=["STOP"])])
    with pytest.raises(Done):
        ChatLoop(SETUP, wire, MadeUpPipeline()).run()  # type: ignore[arg-type]
    for number, text in ((1, "abc def"), (2, "xyz ")):
        pieces = [frame.choices[0] for frame in wire.sent if isinstance(frame, Piece) and frame.id == number]
        assert len(pieces) > 2
        assert "".join(piece["delta"]["content"] for piece in pieces) == text
        assert [piece["finish_reason"] for piece in pieces if piece["finish_reason"]] == ["stop"]
        answers = [frame for frame in wire.sent if isinstance(frame, Answered) and frame.id == number]
        assert said(answers[0]) == text


# -- falls --------------------------------------------------------------------------------------------


def test_a_lone_culprit_is_told_and_nobody_else_loses_an_answer() -> None:
    pipeline = MadeUpPipeline()
    found = run(
        [ask(1, "neighbour"), ask(2, "x", GOOD)], [ask(3, "x", BAD), ask(4, "late")], pipeline=pipeline
    )
    assert found[3] == Wrong(3, "the runtime refuses this request: EBNF parser error: no such rule")
    assert [said(found[number]) for number in (1, 2, 4)] == ["neighbour", '"good"', "late"]
    assert pipeline.opened == 2


def test_among_several_suspects_the_culprits_are_found_one_by_one() -> None:
    pipeline = MadeUpPipeline()
    batch = [ask(1, "plain"), *(ask(number, "x", BAD if number % 2 else GOOD) for number in range(2, 8))]
    found = run(batch, pipeline=pipeline)
    assert said(found[1]) == "plain"
    for number in range(2, 8):
        if number % 2:
            assert isinstance(found[number], Wrong)
        else:
            assert said(found[number]) == '"good"'
    assert pipeline.opened == 1 + 1 + 3


def test_a_fall_for_no_known_reason_starts_everybody_again() -> None:
    pipeline = MadeUpPipeline()
    pipeline.falls = ["out of luck"] * 2
    found = run([ask(1, "one"), ask(2, "x", GOOD)], pipeline=pipeline)
    assert said(found[1]) == "one"
    assert said(found[2]) == '"good"'
    assert pipeline.opened == 3


def test_a_request_around_which_pipelines_keep_falling_is_given_up_as_failed() -> None:
    pipeline = MadeUpPipeline()
    pipeline.falls = ["[1] /src/pipeline.cc:7: out of luck"] * 3
    assert run([ask(1, "one")], pipeline=pipeline) == {1: Failed(1, "the runtime failed: out of luck")}


def test_a_stream_that_has_begun_cannot_start_again() -> None:
    pipeline = MadeUpPipeline()

    class Falling(MadeUpWire):
        def send(self, *frames: ToParent) -> None:
            super().send(*frames)
            if any(isinstance(frame, Piece) for frame in frames):
                pipeline.falls = ["out of luck"]

    wire = Falling([ask(1, "streamed", stream=True), ask(2, "whole answer")])
    with pytest.raises(Done):
        ChatLoop(SETUP, wire, pipeline).run()  # type: ignore[arg-type]
    ends = {frame.id: frame for frame in wire.sent if isinstance(frame, Answered | Failed)}
    assert isinstance(ends[1], Failed)
    assert said(ends[2]) == "whole answer"


def test_running_out_of_cache_is_said_with_the_setting_that_mends_it() -> None:
    pipeline = MadeUpPipeline()
    pipeline.starve = True
    found = run([ask(1, "one")], pipeline=pipeline)[1]
    assert isinstance(found, Failed)
    assert "cache_bytes" in found.message
