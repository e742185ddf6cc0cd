"""The embedded runtime alone, without a service around it: what bench/embedded.py compares with.

    python -m bench.runtime_loop chat MODEL_DIR PROMPTS.json TOKENS SLOTS
    python -m bench.runtime_loop embed MODEL_DIR TEXTS.json BATCH

Opens the model, warms it with one request, then does the work and prints one JSON line. Prompts are token ids before
the clock starts: what is timed is add_request, step and read, or infer, and nothing else. The settings of the
pipeline are the engine's own (`engines/local/pipeline.py`).
"""

import json
import os
import sys
import time
from collections import deque
from pathlib import Path
from typing import Any

os.environ.setdefault("OPENVINO_TELEMETRY", "0")
CACHE_GB = 1
BATCHED_TOKENS = 1024


def chat(model_dir: str, prompts: list[str], tokens: int, slots: int) -> dict[str, float]:
    import numpy
    import openvino
    import openvino_genai as genai

    scheduler = genai.SchedulerConfig()
    scheduler.cache_size = CACHE_GB
    scheduler.enable_prefix_caching = True
    scheduler.max_num_seqs = slots
    scheduler.max_num_batched_tokens = BATCHED_TOKENS
    scheduler.dynamic_split_fuse = True
    threads = {"INFERENCE_NUM_THREADS": len(os.sched_getaffinity(0))}
    pipe = genai.ContinuousBatchingPipeline(model_dir, scheduler, "CPU", threads)
    tokenizer = pipe.get_tokenizer()

    def ids(prompt: str) -> Any:
        text = tokenizer.apply_chat_template([{"role": "user", "content": prompt}], True)
        return tokenizer.encode(text, add_special_tokens=False).input_ids

    config = genai.GenerationConfig(max_new_tokens=tokens, apply_chat_template=False)
    handle = pipe.add_request(0, ids("Hello."), config)
    while pipe.has_non_finished_requests():
        pipe.step()
    handle.read_all()
    waiting = deque(
        (number, openvino.Tensor(numpy.array(ids(prompt).data, dtype=numpy.int64)))
        for number, prompt in enumerate(prompts, 1)
    )
    made = 0
    inside: list[Any] = []
    running = genai.GenerationStatus.RUNNING
    begin = time.perf_counter()
    while waiting or inside:
        while waiting and len(inside) < slots:
            number, prompt = waiting.popleft()
            inside.append(pipe.add_request(number, prompt, config))
        pipe.step()
        for handle in [one for one in inside if one.get_status() != running]:
            while handle.can_read():
                made += sum(len(output.generated_ids) for output in handle.read().values())
            inside.remove(handle)
    return {"seconds": time.perf_counter() - begin, "tokens": made}


def embed(model_dir: str, texts: list[str], batch: int) -> dict[str, float]:
    import numpy
    import openvino
    import tokenizers

    tokenizer = tokenizers.Tokenizer.from_file(str(Path(model_dir) / "tokenizer.json"))
    tokenizer.no_padding()
    properties = {
        "INFERENCE_NUM_THREADS": len(os.sched_getaffinity(0)),
        "PERFORMANCE_HINT": "LATENCY",
    }
    path = str(Path(model_dir) / "openvino_model.xml")
    request = openvino.Core().compile_model(path, "CPU", properties).create_infer_request()

    def vectors(some: list[str]) -> int:
        found = [one.ids for one in tokenizer.encode_batch_fast(some)]
        longest = max(map(len, found))
        ids = numpy.zeros((len(found), longest), numpy.int64)
        mask = numpy.zeros((len(found), longest), numpy.int64)
        for row, tokens in enumerate(found):
            ids[row, : len(tokens)] = tokens
            mask[row, : len(tokens)] = 1
        result = request.infer({"input_ids": ids, "attention_mask": mask}, share_inputs=True)[0]
        assert len(result) == len(some)
        return int(mask.sum())

    vectors(texts[:2])
    begin = time.perf_counter()
    used = sum(vectors(texts[start : start + batch]) for start in range(0, len(texts), batch))
    return {"seconds": time.perf_counter() - begin, "tokens": used}


def main(arguments: list[str]) -> None:
    kind, model_dir, path, *numbers = arguments
    prompts = json.loads(Path(path).read_text())
    if kind == "chat":
        found = chat(model_dir, prompts, int(numbers[0]), int(numbers[1]))
    else:
        found = embed(model_dir, prompts, int(numbers[0]))
    print(json.dumps({**found, "requests": len(prompts)}), flush=True)
    os._exit(0)  # the runtime's orderly end takes seconds


if __name__ == "__main__":
    main(sys.argv[1:])
