"""The embedding child's loop, in rounds: all that waits is sorted by length, cut into batches and run, while
the next round gathers. So batches hold texts of like length, and no long text waits for ever.

Token counts are those really used, after the cut at the model's length.
"""

from backburner.engines.local.embedder import Embedder
from backburner.engines.local.frames import Cancel, Count, Counted, Embed, Ready, ToChild, Vectors, Wrong
from backburner.engines.local.setup import EMBED_BATCH_TEXTS, Setup
from backburner.engines.local.wire import Wire

Text = tuple[int, int, list[int]]  # ask id, place, token ids


class _Asked:
    """One Embed frame in work: the vectors found so far, by place."""

    def __init__(self, texts: int, width: int) -> None:
        self.vectors = [b""] * texts
        self.width = width
        self.open = texts
        self.tokens = 0


class EmbedLoop:
    def __init__(self, setup: Setup, wire: Wire, embedder: Embedder) -> None:
        self._setup = setup
        self._wire = wire
        self._embedder = embedder
        self._asked: dict[int, _Asked] = {}
        self._gathered: list[tuple[int, int, str]] = []  # for the next round: (ask id, place, text)
        self._round: list[list[Text]] = []  # batches of this round

    def run(self) -> None:
        self._wire.send(Ready(context_tokens=self._setup.context_tokens))
        while True:
            for frame in self._wire.drain(wait=not (self._gathered or self._round)):
                try:
                    self._take(frame)
                except (AttributeError, TypeError) as error:
                    # Doors that pass a caller's body through unread may send anything.
                    self._forget(frame.id)
                    self._wire.send(Wrong(frame.id, f"the request's body is malformed: {error}"))
            if not self._round:
                self._begin_round()
            if self._round:
                self._run_batch(self._round.pop(0))

    def _take(self, frame: ToChild) -> None:
        match frame:
            case Embed():
                self._gather(frame)
            case Count():
                counts = map(len, self._embedder.ids(frame.body.get("input", [])))
                self._wire.send(Counted(frame.id, sum(counts)))
            case Cancel():
                self._forget(frame.id)
            case _:
                self._wire.send(Wrong(frame.id, f"{self._setup.model} makes embeddings, it cannot chat"))

    def _gather(self, frame: Embed) -> None:
        width = self._embedder.width if frame.dimensions is None else frame.dimensions
        if not 1 <= width <= self._embedder.width:
            limit = f"{self._setup.model} makes vectors of 1 to {self._embedder.width} dimensions"
            self._wire.send(Wrong(frame.id, f"{limit}, asked for {width}"))
            return
        self._asked[frame.id] = _Asked(len(frame.texts), width)
        self._gathered += [(frame.id, place, text) for place, text in enumerate(frame.texts)]
        if not frame.texts:
            self._answer(frame.id)

    def _forget(self, ask: int) -> None:
        if self._asked.pop(ask, None):
            self._gathered = [text for text in self._gathered if text[0] != ask]
            self._round = [[text for text in batch if text[0] != ask] for batch in self._round]

    def _begin_round(self) -> None:
        gathered, self._gathered = self._gathered, []
        ids = self._embedder.ids([text for _, _, text in gathered])
        texts = [(ask, place, found) for (ask, place, _), found in zip(gathered, ids, strict=True)]
        texts.sort(key=lambda text: len(text[2]))
        starts = range(0, len(texts), EMBED_BATCH_TEXTS)
        self._round = [texts[start : start + EMBED_BATCH_TEXTS] for start in starts]

    def _run_batch(self, batch: list[Text]) -> None:
        """Answers every ask that is complete with this batch."""
        if not batch:
            return
        widths = [self._asked[ask].width for ask, _, _ in batch]
        vectors = self._embedder.vectors([tokens for _, _, tokens in batch], widths)
        for (ask, place, tokens), vector in zip(batch, vectors, strict=True):
            asked = self._asked[ask]
            asked.vectors[place] = vector
            asked.tokens += len(tokens)
            asked.open -= 1
            if not asked.open:
                self._answer(ask)

    def _answer(self, ask: int) -> None:
        asked = self._asked.pop(ask)
        self._wire.send(Vectors(ask, b"".join(asked.vectors), asked.width, asked.tokens))
