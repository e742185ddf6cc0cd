"""The runtime as the chat loop sees it: open, encode, add, step, read. The only file that knows its classes.

Pinned to one version of openvino-genai: continuous batching from converted weights is what later versions
are about to move (docs/decisions).
"""

from typing import Any

from backburner.engines.local import runtime
from backburner.engines.local.generation import Generation, Leg, Sequence
from backburner.engines.local.prefixes import Prefixes
from backburner.engines.local.setup import Setup

BATCHED_TOKENS_MAX = 1024
GIB = 1024**3
WARM_TOKEN = 100  # any ordinary one


class StepFailed(Exception):
    """step() raised: the pipeline is unusable from now on, whatever it holds."""


class Pipeline:
    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self._genai: Any = runtime.load("openvino_genai")
        self._openvino: Any = runtime.load("openvino")
        self._numpy: Any = runtime.load("numpy")
        self._pipe: Any = None
        self._requests = 0
        self.reopen()
        self._tokenizer: Any = self._pipe.get_tokenizer()
        self._bytes_of = {token: raw for raw, token in self._tokenizer.get_vocab().items()}

    def reopen(self) -> None:
        """A new pipeline on the same weights; the old one goes with everything in it."""
        scheduler = self._genai.SchedulerConfig()
        scheduler.cache_size = max(1, round(self._setup.cache_bytes / GIB))
        scheduler.enable_prefix_caching = True
        scheduler.max_num_seqs = self._setup.slots
        scheduler.max_num_batched_tokens = BATCHED_TOKENS_MAX
        scheduler.dynamic_split_fuse = True
        properties = {"INFERENCE_NUM_THREADS": self._setup.threads}
        self._pipe = None
        self._pipe = self._genai.ContinuousBatchingPipeline(
            self._setup.model_dir, scheduler, "CPU", properties
        )
        self._prefixes = Prefixes(self._blocks())

    def _blocks(self) -> int:
        """How many blocks the cache has: a first request that holds one shows what share that is. It also
        takes the slow first step (0.4 s) away from the first caller."""
        config = self._genai.GenerationConfig(max_new_tokens=3, min_new_tokens=3, apply_chat_template=False)
        # The handle must live: the runtime drops a request that nobody holds.
        handle = self._pipe.add_request(0, self._tensor([WARM_TOKEN]), config)
        while self._pipe.has_non_finished_requests():
            self._pipe.step()
        handle.read_all()
        percent: float = self._pipe.get_metrics().max_cache_usage
        return round(100 / percent) if percent else 0

    def _tensor(self, ids: list[int]) -> Any:
        return self._openvino.Tensor(self._numpy.array([ids], dtype=self._numpy.int64))

    # -- text ---------------------------------------------------------------------------------------

    def prompt_ids(self, messages: list[dict[str, str]]) -> list[int]:
        prompt: str = self._tokenizer.apply_chat_template(messages, True)
        encoded = self._tokenizer.encode(prompt, add_special_tokens=False)
        return encoded.input_ids.data[0].tolist()

    def text(self, ids: list[int]) -> str:
        return self._tokenizer.decode(ids) if ids else ""

    def token_bytes(self, token: int) -> bytes:
        return self._bytes_of.get(token, b"")

    # -- generation ---------------------------------------------------------------------------------

    def add(self, generation: Generation, sequences: list[Sequence], tokens: int, form: str | None) -> Leg:
        """Queues sequences of a generation that all begin alike, for `tokens` more, under the grammar `form`.

        Raises RuntimeError for settings that the runtime refuses; the pipeline stays sound then.
        """
        ids = generation.prompt_ids + sequences[0].ids
        config = self._config(generation, sequences, tokens, form)
        self._requests += 1
        handle = self._pipe.add_request(self._requests, self._tensor(ids), config)
        cached, blocks = self._prefixes.enter(ids, tokens * len(sequences))
        if generation.cached is None:  # its first leg: the prompt alone
            generation.cached = cached
        return Leg(generation, sequences, form, handle, blocks)

    def _config(
        self, generation: Generation, sequences: list[Sequence], tokens: int, form: str | None
    ) -> Any:
        settings = generation.settings
        options: dict[str, Any] = {"max_new_tokens": tokens, "apply_chat_template": False}
        if settings.stops:
            # The runtime drops whole tokens to cut a stop string off; we cut the text ourselves, exactly.
            options["stop_strings"] = set(settings.stops)
            options["include_stop_str_in_output"] = True
        if settings.presence_penalty:
            options["presence_penalty"] = settings.presence_penalty
        if settings.frequency_penalty:
            options["frequency_penalty"] = settings.frequency_penalty
        if settings.logprobs:
            options["logprobs"] = 1
        if not settings.greedy:
            options |= {"do_sample": True, "temperature": settings.temperature, "top_p": settings.top_p}
            options |= {"rng_seed": sequences[0].seed, "num_return_sequences": len(sequences)}
            if settings.top_k:
                options["top_k"] = settings.top_k
        if form is not None:
            options["structured_output_config"] = self._genai.StructuredOutputConfig(grammar=form)
        return self._genai.GenerationConfig(**options)

    @property
    def blocks(self) -> int:
        """The room for keys and values; 0 when it is not known."""
        return self._prefixes.total

    def blocks_for(self, generation: Generation) -> int:
        """What one more will take of it. Few answers are as long as they may be: half is planned for."""
        answers = generation.room * len(generation.sequences) // 2
        return self._prefixes.wanted(generation.prompt_ids, answers)

    def busy(self) -> bool:
        return self._pipe.has_non_finished_requests()

    def step(self) -> None:
        """One token for everybody. Raises StepFailed."""
        try:
            self._pipe.step()
        except RuntimeError as error:
            raise StepFailed(str(error)) from error

    def read(self, leg: Leg) -> bool:
        """Moves what a leg has made since the last look into its sequences; True once it has ended.

        With several sequences the runtime hands everything over at the end.
        """
        status = self._genai.GenerationStatus
        ended = leg.handle.get_status() != status.RUNNING
        if leg.blocks and (ended or leg.handle.can_read()):
            self._prefixes.computed(leg.blocks)
            leg.blocks = []
        if not ended and not (leg.generation.stream and len(leg.sequences) == 1):
            return False
        while leg.handle.can_read():
            outputs: dict[int, Any] = leg.handle.read()
            for sequence, output in zip(leg.sequences, outputs.values(), strict=False):
                sequence.ids += output.generated_ids
                sequence.logprobs += output.generated_log_probs
                reason = output.finish_reason
                if reason == self._genai.GenerationFinishReason.STOP:
                    sequence.finish = "stop"
                elif reason == self._genai.GenerationFinishReason.LENGTH:
                    sequence.finish = "length"
        return ended
