"""Turns fetched weights into what the children open. Runs as its own process (`weights._convert`).

    python -m backburner.engines.local.convert chat MODEL.gguf FOLDER
    python -m backburner.engines.local.convert embed MODEL.safetensors FOLDER    (tokenizer.json beside it)

A GGUF is dequantised to f16 first: the runtime reads more formats wrong or not at all than it reads right
(Q5_0 fails), and f16 runs fastest on a CPU with AMX. Versions and facts go to stdout as `made_with.x=y`.
"""

import importlib.metadata
import shutil
import sys
from pathlib import Path
from typing import Any

from backburner.engines.local import runtime

LENGTH_UNLIMITED = 2**31 - 1


def convert_gguf(source: Path, into: Path) -> dict[str, str]:
    """Writes the OpenVINO model, tokenizer and detokenizer (chat template included) of a GGUF file."""
    gguf: Any = runtime.load("gguf")
    openvino_genai: Any = runtime.load("openvino_genai")
    plain = into / "f16.gguf"
    context_tokens = dequantise(gguf, source, plain)
    openvino_genai.Tokenizer(str(plain), enable_save_ov_model=True)
    scheduler = openvino_genai.SchedulerConfig()
    scheduler.cache_size = 1
    openvino_genai.ContinuousBatchingPipeline(str(plain), scheduler, "CPU", {"enable_save_ov_model": True})
    plain.unlink()
    untruncated(into / "openvino_tokenizer.xml")
    return {"context_tokens": str(context_tokens)}


def untruncated(path: Path) -> None:
    """Takes the length limit out of a saved tokenizer: it silently drops the beginning of a long prompt,
    and we could not even say how long the prompt was."""
    openvino: Any = runtime.load("openvino")
    extension: Any = runtime.load("openvino_tokenizers")
    numpy: Any = runtime.load("numpy")
    core = openvino.Core()
    core.add_extension(str(extension._ext_path))
    model = core.read_model(str(path))
    limits = [node for node in model.get_ordered_ops() if node.get_type_name() == "Minimum"]
    for node in limits:
        constant = openvino.opset13.constant(numpy.array(LENGTH_UNLIMITED, dtype=numpy.int32))
        node.input(1).replace_source_output(constant.output(0))
    if not limits:
        raise AssertionError("the tokenizer has no length limit where this runtime version puts it")
    beside = path.with_name("untruncated.xml")
    openvino.save_model(model, str(beside), compress_to_fp16=False)
    del model, core
    beside.rename(path)
    beside.with_suffix(".bin").rename(path.with_suffix(".bin"))


def dequantise(gguf: Any, source: Path, target: Path) -> int:
    """Copies a GGUF with every quantised tensor as f16. Returns the context length it states, or 0."""
    numpy: Any = runtime.load("numpy")
    reader = gguf.GGUFReader(str(source))
    architecture = reader.fields["general.architecture"].contents()
    writer = gguf.GGUFWriter(str(target), architecture)
    for name, field in reader.fields.items():
        if name.startswith("GGUF.") or name in ("general.architecture", "general.file_type"):
            continue
        kind = field.types[0]
        inner = field.types[-1] if kind == gguf.GGUFValueType.ARRAY else None
        writer.add_key_value(name, field.contents(), kind, inner)
    writer.add_file_type(int(gguf.LlamaFileType.MOSTLY_F16))
    for tensor in reader.tensors:
        values = gguf.dequantize(tensor.data, tensor.tensor_type)
        if tensor.tensor_type != gguf.GGMLQuantizationType.F32:
            values = values.astype(numpy.float16)
        writer.add_tensor(tensor.name, values)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    context = reader.fields.get(f"{architecture}.context_length")
    return int(context.contents()) if context else 0


def convert_bert(source: Path, into: Path) -> dict[str, str]:
    """Writes MiniLM as an OpenVINO graph that ends in pooled, normalised vectors."""
    from backburner.engines.local import bert_graph

    openvino: Any = runtime.load("openvino")
    model = bert_graph.build(bert_graph.read_safetensors(source))
    openvino.save_model(model, str(into / "openvino_model.xml"), compress_to_fp16=False)
    shutil.copyfile(source.parent / "tokenizer.json", into / "tokenizer.json")
    return {}


def main(arguments: list[str]) -> int:
    kind, source, into = arguments
    facts = (convert_gguf if kind == "chat" else convert_bert)(Path(source), Path(into))
    facts["openvino-genai"] = importlib.metadata.version("openvino-genai")
    sys.stdout.write("".join(f"made_with.{name}={value}\n" for name, value in facts.items()))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
