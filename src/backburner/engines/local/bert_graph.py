"""all-MiniLM-L6-v2 as an OpenVINO graph, built from its safetensors: no torch, no model converter.

Tokens in, one vector per text out: BERT encoder, mean over the real tokens, length one, as the model's
own sentence-transformers configuration has it. Checked against sentence-transformers: cosine >= 0.99998.
"""

import json
from pathlib import Path
from typing import Any

from backburner.engines.local import runtime

HEADS = 12
WIDTH = 384
HEAD_WIDTH = WIDTH // HEADS
LAYERS = 6
NORM_EPSILON = 1e-12

Weights = dict[str, Any]
Op = Any


def read_safetensors(path: Path) -> Weights:
    """The f32 tensors of a safetensors file: an 8-byte length, a JSON header, then the bytes."""
    numpy: Any = runtime.load("numpy")
    raw = path.read_bytes()
    header_bytes = int.from_bytes(raw[:8], "little")
    header: dict[str, Any] = json.loads(raw[8 : 8 + header_bytes])
    weights: Weights = {}
    for name, entry in header.items():
        if name == "__metadata__" or entry["dtype"] != "F32":
            continue
        begin, end = (8 + header_bytes + offset for offset in entry["data_offsets"])
        weights[name] = numpy.frombuffer(raw[begin:end], dtype=numpy.float32).reshape(entry["shape"])
    return weights


def build(weights: Weights) -> Any:
    """The model: inputs `input_ids` and `attention_mask` (i64, [batch, tokens]), output [batch, 384]."""
    openvino: Any = runtime.load("openvino")
    return _Graph(openvino, runtime.load("numpy"), weights).model()


class _Graph:
    def __init__(self, openvino: Any, numpy: Any, weights: Weights) -> None:
        self.openvino = openvino
        self.ops: Any = openvino.opset13
        self.numpy = numpy
        self.weights = weights

    def model(self) -> Any:
        ids = self.ops.parameter([-1, -1], self.numpy.int64, name="input_ids")
        mask = self.ops.parameter([-1, -1], self.numpy.int64, name="attention_mask")
        present = self.ops.convert(mask, "f32")
        state = self.embedded(ids)
        attend = self.attention_bias(present)
        for number in range(LAYERS):
            state = self.layer(state, attend, f"encoder.layer.{number}")
        vectors = self.ops.normalize_l2(self.pooled(state, present), self.numbers([1]), 1e-12, "max")
        return self.openvino.Model([vectors], [ids, mask], "all-MiniLM-L6-v2")

    def numbers(self, values: list[int]) -> Op:
        return self.ops.constant(self.numpy.array(values, dtype=self.numpy.int64))

    def real(self, value: float) -> Op:
        return self.ops.constant(self.numpy.array(value, dtype=self.numpy.float32))

    def weight(self, name: str) -> Op:
        return self.ops.constant(self.weights[name])

    def linear(self, state: Op, name: str) -> Op:
        product = self.ops.matmul(state, self.weight(f"{name}.weight"), False, True)
        return self.ops.add(product, self.weight(f"{name}.bias"))

    def norm(self, state: Op, name: str) -> Op:
        centred = self.ops.mvn(state, self.numbers([-1]), True, NORM_EPSILON, "inside_sqrt")
        scaled = self.ops.multiply(centred, self.weight(f"{name}.weight"))
        return self.ops.add(scaled, self.weight(f"{name}.bias"))

    def embedded(self, ids: Op) -> Op:
        prefix = "embeddings"
        length = self.ops.gather(self.ops.shape_of(ids), self.numbers([1]), self.numbers([0]))
        words = self.ops.gather(self.weight(f"{prefix}.word_embeddings.weight"), ids, self.numbers([0]))
        places = self.ops.slice(
            self.weight(f"{prefix}.position_embeddings.weight"),
            self.numbers([0]),
            length,
            self.numbers([1]),
            self.numbers([0]),
        )
        segment = self.ops.constant(self.weights[f"{prefix}.token_type_embeddings.weight"][:1])
        return self.norm(self.ops.add(self.ops.add(words, places), segment), f"{prefix}.LayerNorm")

    def attention_bias(self, present: Op) -> Op:
        """[batch, 1, 1, tokens]: 0 where a token is, a large negative number where padding is."""
        absent = self.ops.subtract(self.real(1.0), present)
        return self.ops.unsqueeze(self.ops.multiply(absent, self.real(-1e9)), self.numbers([1, 2]))

    def heads(self, state: Op) -> Op:
        split = self.ops.reshape(state, self.numbers([0, 0, HEADS, HEAD_WIDTH]), True)
        return self.ops.transpose(split, self.numbers([0, 2, 1, 3]))

    def layer(self, state: Op, attend: Op, name: str) -> Op:
        query, key, value = (
            self.heads(self.linear(state, f"{name}.attention.self.{part}"))
            for part in ("query", "key", "value")
        )
        mixed = self.ops.scaled_dot_product_attention(query, key, value, attend)
        joined = self.ops.reshape(
            self.ops.transpose(mixed, self.numbers([0, 2, 1, 3])), self.numbers([0, 0, WIDTH]), True
        )
        attended = self.linear(joined, f"{name}.attention.output.dense")
        state = self.norm(self.ops.add(state, attended), f"{name}.attention.output.LayerNorm")
        inner = self.ops.gelu(self.linear(state, f"{name}.intermediate.dense"), "erf")
        outer = self.linear(inner, f"{name}.output.dense")
        return self.norm(self.ops.add(state, outer), f"{name}.output.LayerNorm")

    def pooled(self, state: Op, present: Op) -> Op:
        weighted = self.ops.multiply(state, self.ops.unsqueeze(present, self.numbers([2])))
        total = self.ops.reduce_sum(weighted, self.numbers([1]), False)
        count = self.ops.reduce_sum(present, self.numbers([1]), True)
        return self.ops.divide(total, self.ops.maximum(count, self.real(1.0)))
