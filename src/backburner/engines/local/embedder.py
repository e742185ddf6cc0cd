"""The embedding model as its loop sees it: token ids of texts, vectors of batches. Knows the runtime.

Texts are cut at the model's own length (256 tokens for all-MiniLM-L6-v2), as its authors' code does. The
graph already pools and normalises; asked for fewer dimensions, the vector is cut and normalised again.
"""

from pathlib import Path
from typing import Any

from backburner.engines.local import runtime
from backburner.engines.local.setup import Setup


class Embedder:
    def __init__(self, setup: Setup) -> None:
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
        self.width = int(compiled.output(0).partial_shape[1].get_length())

    def ids(self, texts: list[str]) -> list[list[int]]:
        return [one.ids for one in self._tokenizer.encode_batch_fast(texts)]

    def vectors(self, batch: list[list[int]], widths: list[int]) -> list[bytes]:
        """For each text its vector in `widths` dimensions, as little-endian f32."""
        longest = max(map(len, batch))
        ids = self._numpy.zeros((len(batch), longest), self._numpy.int64)
        mask = self._numpy.zeros((len(batch), longest), self._numpy.int64)
        for row, tokens in enumerate(batch):
            ids[row, : len(tokens)] = tokens
            mask[row, : len(tokens)] = 1
        found = self._request.infer({"input_ids": ids, "attention_mask": mask}, share_inputs=True)[0]
        return [self._cut(row, width) for row, width in zip(found, widths, strict=True)]

    def _cut(self, row: Any, width: int) -> bytes:
        if width < self.width:
            row = row[:width] / max(float(self._numpy.linalg.norm(row[:width])), 1e-12)
        return row.astype("<f4", copy=False).tobytes()
