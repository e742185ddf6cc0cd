"""The chat child's loop: take what came, run one step for everybody, send what is finished.

The runtime's step() poisons the whole pipeline when it raises (a grammar that does not compile is the known
cause). Then the pipeline is opened anew and everybody inside starts again; whoever cannot be innocent is
told so, suspects go in again one at a time. So one bad request costs its neighbours time, never an answer.
"""

import random
from collections import deque

from backburner.engines.local import answers
from backburner.engines.local.asked import Settings, WrongBody, messages_of, settings_of
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
from backburner.engines.local.generation import Generation, Leg
from backburner.engines.local.pipeline import Pipeline, StepFailed
from backburner.engines.local.setup import Setup
from backburner.engines.local.wire import Wire

FALLS_MAX = 2  # pipelines that may fall around a request before it is given up


class ChatLoop:
    def __init__(self, setup: Setup, wire: Wire) -> None:
        self._setup = setup
        self._wire = wire
        self._pipeline = Pipeline(setup)
        self._draws = random.Random(setup.seed)
        self._legs: list[Leg] = []
        self._suspects: deque[Generation] = deque()

    def run(self) -> None:
        self._wire.send(Ready(context_tokens=self._setup.context_tokens))
        while True:
            for frame in self._wire.drain(wait=not self._legs and not self._suspects):
                self._take(frame)
            if self._suspects and all(leg.generation.proven for leg in self._legs):
                self._enter(self._suspects.popleft())
            if self._legs or self._pipeline.busy():
                self._step()

    # -- in -----------------------------------------------------------------------------------------

    def _take(self, frame: ToChild) -> None:
        try:
            match frame:
                case Ask():
                    self._enter(self._generation(frame))
                case Count():
                    ids = self._pipeline.prompt_ids(messages_of(frame.body))
                    self._wire.send(Counted(frame.id, len(ids)))
                case Cancel():
                    self._cancel(frame.id)
                case _:
                    raise WrongBody(f"{self._setup.model} answers chats, it makes no embeddings")
        except WrongBody as error:
            self._wire.send(Wrong(frame.id, str(error)))

    def _generation(self, frame: Ask) -> Generation:
        settings = settings_of(frame.body, self._setup.temperature, self._setup.top_p)
        constraint = constraint_of(frame.body)
        prompt_ids = self._pipeline.prompt_ids(messages_of(frame.body))
        room = self._room(len(prompt_ids), settings)
        seed = self._draws.getrandbits(63) if settings.seed is None else settings.seed
        return Generation(frame.id, frame.stream, settings, constraint, prompt_ids, room, seed)

    def _room(self, prompt_tokens: int, settings: Settings) -> int:
        """Tokens the answer may have. The runtime itself does not notice a prompt over the context."""
        wanted = settings.output_tokens or self._setup.output_tokens
        context = self._setup.context_tokens
        if not context:
            return wanted
        if prompt_tokens >= context:
            raise WrongBody(
                f"the prompt has {prompt_tokens} tokens; {self._setup.model} takes at most {context - 1}, "
                f"so that at least one is left for the answer"
            )
        return min(wanted, context - prompt_tokens)

    def _enter(self, generation: Generation) -> None:
        try:
            self._legs.append(self._pipeline.add(generation, generation.sequences, generation.room))
        except RuntimeError as error:
            self._wire.send(Wrong(generation.ask, _first_line(str(error))))

    def _cancel(self, ask: int) -> None:
        for leg in self._legs:
            if leg.generation.ask == ask:
                leg.handle.cancel()
        self._legs = [leg for leg in self._legs if leg.generation.ask != ask]
        self._suspects = deque(one for one in self._suspects if one.ask != ask)

    # -- one step -----------------------------------------------------------------------------------

    def _step(self) -> None:
        try:
            self._pipeline.step()
        except StepFailed as error:
            self._recover(str(error))
            return
        still: list[Leg] = []
        for leg in self._legs:
            leg.generation.proven = True
            ended = self._pipeline.read(leg)
            if leg.generation.stream:
                self._send_pieces(leg.generation)
            if ended:
                self._leave(leg)
            else:
                still.append(leg)
        self._legs = still

    def _leave(self, leg: Leg) -> None:
        generation = leg.generation
        if not generation.ended:
            message = "the runtime gave up on it: the cache for keys and values is too small (cache_bytes)"
            self._wire.send(Failed(generation.ask, message))
            return
        self._wire.send(
            Answered(
                id=generation.ask,
                body=answers.body_of(generation, self._pipeline),
                prompt=len(generation.prompt_ids),
                output=answers.output_tokens(generation),
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
        """Opens a new pipeline and lets everybody start again, except a culprit that is known for sure."""
        inside = list(dict.fromkeys(leg.generation for leg in self._legs))
        self._legs = []
        self._pipeline.reopen()
        unproven = [one for one in inside if not one.proven]
        for generation in inside:
            generation.falls += 1
            if generation in unproven and len(unproven) == 1:
                self._wire.send(Wrong(generation.ask, _refused(reason)))
            elif generation.falls > FALLS_MAX and generation not in unproven:
                self._wire.send(Failed(generation.ask, f"the runtime failed: {_first_line(reason)}"))
            elif generation.stream and any(sequence.sent_chars for sequence in generation.sequences):
                self._wire.send(Failed(generation.ask, "the runtime was restarted in the middle of a stream"))
            else:
                generation.restart()
                if generation in unproven:
                    self._suspects.append(generation)
                else:
                    self._enter(generation)


def _refused(reason: str) -> str:
    return f"the runtime refuses this request: {_first_line(reason)}"


def _first_line(text: str) -> str:
    """The sentence of a native exception, without its source path."""
    lines = [line.strip() for line in text.strip().splitlines() if line.strip()]
    return lines[-1].rpartition(".cc:")[2].lstrip("0123456789: ") if lines else "no reason given"
