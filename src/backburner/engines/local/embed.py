"""The embedding child's loop: whatever waits is put together into batches, shortest texts first.

Texts are cut at the model's own length (256 tokens for all-MiniLM-L6-v2), as its authors' code does; token
counts are those really used. The graph already pools and normalises; asking for fewer dimensions cuts the
vector and normalises it again.
"""

from pathlib import Path
from typing import Any

from backburner.engines.local import runtime
from backburner.engines.local.frames import Cancel, Count, Counted, Embed, Ready, ToChild, Vectors, Wrong
from backburner.engines.local.setup import EMBED_BATCH_TEXTS, Setup
from backburner.engines.local.wire import Wire


class _Asked:
    """One Embed frame in work: the vectors found so far, by place."""

    def __init__(self, frame: Embed, rows: Any) -> None:
        self.frame = frame
        self.rows = rows
        self.open = len(frame.texts)
        self.tokens = 0


class EmbedLoop:
    def __init__(self, setup: Setup, wire: Wire) -> None:
        self._setup = setup
        self._wire = wire
        self._asked: dict[int, _Asked] = {}
        self._texts: list[tuple[int, int, list[int]]] = []  # (ask id, place, token ids)
        self._numpy: Any = runtime.load("numpy")
        openvino: Any = runtime.load("openvino")
        tokenizers: Any = runtime.load("tokenizers")
        folder = Path(setup.model_dir)
        self._tokenizer = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(max_length=setup.context_tokens)
        properties = {"INFERENCE_NUM_THREADS": setup.threads, "PERFORMANCE_HINT": "LATENCY"}
        compiled = openvino.Core().compile_model(str(folder / "openvino_model.xml"), "CPU", properties)
        self._request = compiled.create_infer_request()
        self._width = int(compiled.output(0).partial_shape[1].get_length())

    def run(self) -> None:
        self._wire.send(Ready(context_tokens=self._setup.context_tokens))
        while True:
            for frame in self._wire.drain(wait=not self._texts):
                try:
                    self._take(frame)
                except (AttributeError, TypeError) as error:
                    # Doors that pass a caller's body through unread may send anything.
                    self._asked.pop(frame.id, None)
                    self._wire.send(Wrong(frame.id, f"the request's body is malformed: {error}"))
            if self._texts:
                self._batch()

    def _take(self, frame: ToChild) -> None:
        match frame:
            case Embed():
                self._take_texts(frame)
            case Count():
                texts: list[str] = frame.body.get("input", [])
                encoded = self._tokenizer.encode_batch_fast(texts)
                self._wire.send(Counted(frame.id, sum(len(one.ids) for one in encoded)))
            case Cancel():
                if self._asked.pop(frame.id, None):
                    self._texts = [text for text in self._texts if text[0] != frame.id]
            case _:
                self._wire.send(Wrong(frame.id, f"{self._setup.model} makes embeddings, it cannot chat"))

    def _take_texts(self, frame: Embed) -> None:
        width = frame.dimensions or self._width
        if not 1 <= width <= self._width:
            limit = f"{self._setup.model} makes vectors of 1 to {self._width} dimensions"
            self._wire.send(Wrong(frame.id, f"{limit}, asked for {width}"))
            return
        self._asked[frame.id] = _Asked(
            frame, self._numpy.zeros((len(frame.texts), width), self._numpy.float32)
        )
        encoded = self._tokenizer.encode_batch_fast(frame.texts)
        self._texts += [(frame.id, place, one.ids) for place, one in enumerate(encoded)]
        self._texts.sort(key=lambda text: len(text[2]))
        if not frame.texts:
            self._answer(frame.id)

    def _batch(self) -> None:
        """Runs up to EMBED_BATCH_TEXTS of the waiting texts and answers every ask that is complete."""
        batch, self._texts = self._texts[:EMBED_BATCH_TEXTS], self._texts[EMBED_BATCH_TEXTS:]
        longest = len(batch[-1][2])
        ids = self._numpy.zeros((len(batch), longest), self._numpy.int64)
        mask = self._numpy.zeros((len(batch), longest), self._numpy.int64)
        for row, (_, _, tokens) in enumerate(batch):
            ids[row, : len(tokens)] = tokens
            mask[row, : len(tokens)] = 1
        vectors = self._request.infer({"input_ids": ids, "attention_mask": mask}, share_inputs=True)[0]
        for row, (ask, place, tokens) in enumerate(batch):
            asked = self._asked[ask]
            asked.rows[place] = vectors[row, : asked.rows.shape[1]]
            asked.tokens += len(tokens)
            asked.open -= 1
            if not asked.open:
                self._answer(ask)

    def _answer(self, ask: int) -> None:
        asked = self._asked.pop(ask)
        rows = asked.rows
        width = int(rows.shape[1])
        if width < self._width:
            lengths = self._numpy.linalg.norm(rows, axis=1, keepdims=True)
            rows = rows / self._numpy.maximum(lengths, 1e-12)
        floats = rows.astype("<f4", copy=False).tobytes()
        self._wire.send(Vectors(ask, floats, width, asked.tokens))
