"""The chat child's loop: take what came, run one step for everybody, send what is finished.

The runtime's step() poisons the whole pipeline when it raises; a grammar that does not compile is the known
cause. Then the pipeline is opened anew and everybody inside starts again: whoever alone can have been the
cause is told so, several suspects go in again one after the other. So a bad request costs its neighbours
time, never their answer.
"""

import random
from collections import deque
from collections.abc import Iterable

from backburner.engines.local import answers, tools
from backburner.engines.local.asked import Settings, WrongBody, settings_of
from backburner.engines.local.constraint import constraint_of
from backburner.engines.local.frames import (
    Answered,
    Ask,
    Cancel,
    Count,
    Counted,
    Failed,
    Piece,
    Ready,
    ToChild,
    Wrong,
)
from backburner.engines.local.generation import Generation, Leg, Sequence
from backburner.engines.local.onward import BROKEN, Onward, onward
from backburner.engines.local.pipeline import Pipeline, StepFailed
from backburner.engines.local.prompt import messages_of
from backburner.engines.local.setup import Setup
from backburner.engines.local.wire import Wire

FALLS_MAX = 2  # pipelines that may fall around a request, for no known reason, before it is given up
GRAMMAR_COMPILER = "xgrammar"  # named in the native exceptions that a grammar causes


class ChatLoop:
    def __init__(self, setup: Setup, wire: Wire, pipeline: Pipeline) -> None:
        self._setup = setup
        self._wire = wire
        self._pipeline = pipeline
        self._draws = random.Random(setup.seed)
        self._waiting: deque[Generation] = deque()  # for room in the cache
        self._legs: list[Leg] = []
        self._held: deque[Generation] = deque()  # suspects of a fall, to enter one at a time

    def run(self) -> None:
        self._wire.send(Ready(context_tokens=self._setup.context_tokens))
        while True:
            idle = not (self._waiting or self._legs or self._held or self._pipeline.busy())
            for frame in self._wire.drain(wait=idle):
                self._take(frame)
            self._let_in()
            if self._held and not any(leg.suspect for leg in self._legs):
                self._enter(self._held.popleft())
            if self._pipeline.busy():
                self._step()

    # -- in -----------------------------------------------------------------------------------------

    def _take(self, frame: ToChild) -> None:
        try:
            match frame:
                case Ask():
                    self._waiting.append(self._generation(frame))
                case Count():
                    ids = self._pipeline.prompt_ids(messages_of(frame.body))
                    self._wire.send(Counted(frame.id, len(ids)))
                case Cancel():
                    self._drop(frame.id)
                case _:
                    raise WrongBody(f"{self._setup.model} answers chats, it makes no embeddings")
        except WrongBody as error:
            self._wire.send(Wrong(frame.id, str(error)))
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            # Doors that pass a caller's body through unread may send anything; its neighbours must not pay.
            self._wire.send(Wrong(frame.id, f"the request's body is malformed: {error!r}"))

    def _generation(self, frame: Ask) -> Generation:
        settings = settings_of(frame.body, self._setup.temperature, self._setup.top_p)
        constraint = constraint_of(frame.body)
        prompt_ids = self._pipeline.prompt_ids(messages_of(frame.body))
        return Generation(
            frame.id,
            settings,
            constraint,
            prompt_ids,
            self._room(len(prompt_ids), settings),
            self._draws.getrandbits(62) if settings.seed is None else settings.seed,
            stream=frame.stream,
            tools=tools.choice_of(frame.body) is not tools.Choice.NONE,
        )

    def _room(self, prompt_tokens: int, settings: Settings) -> int:
        """Tokens the answer may have. The runtime itself does not notice a prompt over the context."""
        wanted = settings.output_tokens or self._setup.output_tokens
        context = self._setup.context_tokens
        if not context:
            return wanted
        if prompt_tokens >= context:
            raise WrongBody(
                f"the prompt has {prompt_tokens} tokens; {self._setup.model} takes at most {context - 1}, "
                f"so that one is left for the answer"
            )
        return min(wanted, context - prompt_tokens)

    def _let_in(self) -> None:
        """In the order they came, while the cache has room; one alone always. Without room the runtime
        throws sequences out and computes them again, over and over."""
        while self._waiting:
            generation = self._waiting[0]
            generation.blocks = self._pipeline.blocks_for(generation)
            inside = [one.blocks for one in (*_distinct(self._legs), *self._held)]
            if inside and sum(inside) + generation.blocks > self._pipeline.blocks > 0:
                return
            self._enter(self._waiting.popleft())

    def _enter(self, generation: Generation) -> None:
        constraint, sequences = generation.constraint, generation.sequences
        if constraint is None:
            first = Onward(None, generation.room)
        else:
            form = constraint.strict_form() if sequences[0].strict else constraint.form
            first = Onward(form, constraint.first_tokens(generation.room))
        if constraint is None and not generation.stream:
            self._add(generation, sequences, first)
            return
        # The runtime lets sequences of one request share their place in the grammar, which breaks it, and
        # shows their tokens at the end only: so each gets a leg of its own.
        for sequence in sequences:
            self._add(generation, [sequence], first)

    def _add(self, generation: Generation, sequences: list[Sequence], leg: Onward) -> None:
        try:
            self._legs.append(self._pipeline.add(generation, sequences, leg.tokens, leg.form))
        except RuntimeError as error:  # settings that the runtime refuses; the pipeline itself stays sound
            self._drop(generation.ask)
            self._wire.send(Wrong(generation.ask, _refused(str(error))))

    def _drop(self, ask: int) -> None:
        """Frees what a request holds."""
        for leg in self._legs:
            if leg.generation.ask == ask:
                leg.handle.cancel()
        self._legs = [leg for leg in self._legs if leg.generation.ask != ask]
        self._waiting = deque(one for one in self._waiting if one.ask != ask)
        self._held = deque(one for one in self._held if one.ask != ask)

    # -- one step -----------------------------------------------------------------------------------

    def _step(self) -> None:
        try:
            self._pipeline.step()
        except StepFailed as error:
            self._recover(str(error))
            return
        ended = [leg for leg in self._legs if self._pipeline.read(leg)]
        self._legs = [leg for leg in self._legs if leg not in ended]
        for leg in ended:
            self._part(leg)
        for generation in _distinct((*self._legs, *ended)):
            if generation.stream:
                self._send_pieces(generation)
        for generation in _distinct(ended):
            if generation.ended:
                self._answer(generation)

    def _part(self, leg: Leg) -> None:
        """A leg has ended; under a constraint its sequences may go on in other legs."""
        generation = leg.generation
        if not all(sequence.finish for sequence in leg.sequences):
            words = "the runtime ran out of cache for keys and values; give the engine a larger cache_bytes"
            self._fail(generation, words)
            return
        if generation.constraint is None:
            return
        for sequence in leg.sequences:
            self._whole_characters(sequence)
            follows = onward(
                generation.constraint,
                self._pipeline.text(sequence.ids),
                sequence.finish,
                used=len(sequence.ids),
                room=generation.room,
                strict=sequence.strict,
            )
            if follows == BROKEN:
                self._fail(generation, "the runtime did not keep to the form that was asked for")
                return
            if isinstance(follows, str):
                sequence.finish = follows
                continue
            sequence.finish = ""
            if follows.again:
                sequence.again()
            self._add(generation, [sequence], follows)

    def _fail(self, generation: Generation, words: str) -> None:
        self._drop(generation.ask)
        for sequence in generation.sequences:
            sequence.finish = ""  # so that it is not answered as well
        self._wire.send(Failed(generation.ask, words))

    def _whole_characters(self, sequence: Sequence) -> None:
        """Takes back the tokens of a character that was cut in the middle."""
        while sequence.ids and self._pipeline.text(sequence.ids).endswith(answers.UNFINISHED):
            del sequence.ids[-1]
            del sequence.logprobs[len(sequence.ids) :]

    def _answer(self, generation: Generation) -> None:
        self._wire.send(
            Answered(
                id=generation.ask,
                body=answers.body_of(generation, self._pipeline),
                prompt=len(generation.prompt_ids),
                output=answers.output_tokens(generation),
                cached=generation.cached or 0,
            )
        )

    def _send_pieces(self, generation: Generation) -> None:
        pieces = [
            answers.piece_of(sequence, index, generation, self._pipeline)
            for index, sequence in enumerate(generation.sequences)
        ]
        choices = [piece for piece in pieces if piece]
        if choices:
            self._wire.send(Piece(generation.ask, choices))

    # -- after a fall -------------------------------------------------------------------------------

    def _recover(self, reason: str) -> None:
        """Opens a new pipeline and lets everybody start again, but not a culprit that is known for sure."""
        inside = _distinct(self._legs)
        suspects = _distinct(leg for leg in self._legs if leg.suspect) if GRAMMAR_COMPILER in reason else []
        self._legs = []
        self._pipeline.reopen()
        for generation in inside:
            if suspects == [generation]:
                self._wire.send(Wrong(generation.ask, _refused(reason)))
                continue
            generation.falls += not suspects
            if generation.falls > FALLS_MAX or generation.begun:
                self._wire.send(Failed(generation.ask, f"the runtime failed: {_sentence(reason)}"))
                continue
            generation.restart()
            if generation in suspects:
                self._held.append(generation)
            else:
                self._enter(generation)


def _distinct(legs: Iterable[Leg]) -> list[Generation]:
    return list(dict.fromkeys(leg.generation for leg in legs))


def _refused(reason: str) -> str:
    return f"the runtime refuses this request: {_sentence(reason)}"


def _sentence(text: str) -> str:
    """The words of a native exception, without its source path."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1].rpartition(".cc:")[2].lstrip("0123456789: ") if lines else "no reason given"
