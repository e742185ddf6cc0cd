"""What a job would take before it is made: requests, tokens, cost and time, from a sample of its input.

The sample is spread evenly over the file, so that one that begins with its short lines does not mislead. Tokens are
counted by the engine's own tokenizer where it has one. What the answers will be nobody knows; their limit is known, and
how long this tenant's answers of the same model were before.
"""

from collections.abc import Mapping, Sequence

import msgspec

from backburner.core.errors import InvalidArgument, NotFound
from backburner.core.exchange import Call
from backburner.core.job import Job, JobKind, JobState
from backburner.core.lanes import Lanes
from backburner.core.limits import DEFAULT_OUTPUT_TOKENS, LINE_BYTES, STREAM_BYTES
from backburner.core.request import Usage
from backburner.dialects.protocol import Dialect, Setting, Source
from backburner.engines.routes import Route, Routes
from backburner.policy.price import Prices, cost_nanos
from backburner.service.files import FileService
from backburner.service.models import not_served
from backburner.store.files import FileRow
from backburner.store.jobs import Wanted
from backburner.store.stores import Stores

SAMPLE = 100  # lines looked at, at least, where there are so many
BYTES_PER_TOKEN = 4.0  # where no tokenizer tells
PAST_JOBS = 20  # of the same model, to learn from


class Estimate(msgspec.Struct, frozen=True, kw_only=True):
    """`counted`: the prompt tokens come from the engine's tokenizer, not from the number of bytes. `output_tokens_most`
    is what the requests allow, `output_tokens_likely` what such answers were before, as `likely_s` is how long such
    jobs took; None without a past. Costs in nanos of the settings' currency, None where nothing has a price."""

    requests: int
    sampled: int
    wrong: int
    engine: str
    model: str
    counted: bool
    prompt_tokens: int
    output_tokens_most: int
    output_tokens_likely: int | None
    cost_most_nanos: int | None
    cost_likely_nanos: int | None
    likely_s: float | None


class _Sample(msgspec.Struct, frozen=True):
    """Means over the lines looked at."""

    looked_at: int
    wrong: int
    counted: bool
    prompt: float
    output_most: float


class EstimateService:
    def __init__(
        self,
        stores: Stores,
        lanes: Lanes,
        routes: Routes,
        files: FileService,
        dialects: Mapping[str, Dialect],
        prices: Prices,
    ) -> None:
        self._stores = stores
        self._lanes = lanes
        self._routes = routes
        self._files = files
        self._dialects = dialects
        self._prices = prices

    async def of(self, tenant: str, file: str, model: str, kind: JobKind, dialect: str) -> Estimate:
        """Raises NotFound for a model that nothing serves, PermissionDenied for a file that is not there,
        InvalidArgument for one without a good line."""
        route = self._routes.find(model)
        if route is None:
            raise NotFound(not_served(model), reason="MODEL_NOT_FOUND")
        row = await self._files.get(tenant, file)
        requests, lines = await self._lanes.read.run(self._read, row)
        sample = await self._look(lines, self._dialects[dialect], kind, model, route)
        if sample.looked_at == sample.wrong:
            raise InvalidArgument(f"files/{file} has no good line to estimate from; check it first")
        past = await self._lanes.read.run(self._past, tenant, model)
        return self._estimate(requests, sample, route, past)

    def _read(self, row: FileRow) -> tuple[int, list[bytes]]:
        """How many lines the file has, and every n-th of them: SAMPLE of them or up to twice as many. Picked by
        number and not by place in the file, where a long line is more often hit than a short one."""
        if row.blob is None or not row.size_bytes:
            return 0, []
        count, step, offset = 0, 1, 0
        starts = [0]
        for piece in self._stores.blobs.open_stream(row.blob):
            at = piece.find(b"\n")
            while at >= 0:
                count += 1
                if count % step == 0:
                    starts.append(offset + at + 1)
                    if len(starts) > 2 * SAMPLE:
                        starts, step = starts[::2], 2 * step
                at = piece.find(b"\n", at + 1)
            offset += len(piece)
        ended = self._stores.blobs.read_range(row.blob, row.size_bytes - 1, 1) == b"\n"
        lines = [self._line(row.blob, at) for at in starts if at < row.size_bytes]
        return count + (not ended), [line for line in lines if line.strip()]

    def _line(self, blob: str, at: int) -> bytes:
        found = bytearray()
        while len(found) < LINE_BYTES:
            piece = self._stores.blobs.read_range(blob, at + len(found), STREAM_BYTES)
            head, broken, _ = piece.partition(b"\n")
            found += head
            if broken or not piece:
                break
        return bytes(found)

    async def _look(
        self, lines: Sequence[bytes], dialect: Dialect, kind: JobKind, model: str, route: Route
    ) -> _Sample:
        prompt = output_most = 0
        wrong, counted = 0, True
        setting = Setting(kind=kind, model=route.model, cached=lambda name: None)
        source = Source(None, kind, model)
        for line in lines:
            call = _call(dialect, line, source, setting)
            if call is None:
                wrong += 1
                continue
            tokens = await route.engine.count_tokens(route.model, call.body) if counted else None
            if not isinstance(tokens, int):
                counted, tokens = False, round(len(line) / BYTES_PER_TOKEN)
            prompt += tokens
            output_most += 0 if kind is JobKind.EMBED else _most(call, route)
        good = max(1, len(lines) - wrong)
        return _Sample(len(lines), wrong, counted, prompt / good, output_most / good)

    def _past(self, tenant: str, model: str) -> list[Job]:
        wanted = Wanted((JobState.SUCCEEDED,), model)
        return self._stores.jobs.page(tenant, PAST_JOBS, None, wanted)

    def _estimate(self, requests: int, sample: _Sample, route: Route, past: Sequence[Job]) -> Estimate:
        good = round(requests * (1 - sample.wrong / sample.looked_at))
        prompt, most = round(sample.prompt * good), round(sample.output_most * good)
        answered = sum(job.counts.succeeded - job.saved.calls for job in past)
        took_s = sum(job.ended_at - job.started_at for job in past if job.ended_at and job.started_at)
        mean = sum(job.usage.output for job in past) / answered if answered else None
        likely = min(most, round(mean * good)) if mean is not None else None
        price = self._prices.of(route.engine.name, route.model)

        def cost(output: int | None) -> int | None:
            if not self._prices or output is None:
                return None
            return cost_nanos(price, Usage(prompt=prompt, output=output), batch=True)

        return Estimate(
            requests=requests,
            sampled=sample.looked_at,
            wrong=sample.wrong,
            engine=route.engine.name,
            model=route.model,
            counted=sample.counted,
            prompt_tokens=prompt,
            output_tokens_most=most,
            output_tokens_likely=likely,
            cost_most_nanos=cost(most),
            cost_likely_nanos=cost(likely),
            likely_s=took_s / answered * good if answered else None,
        )


def _call(dialect: Dialect, line: bytes, source: Source, setting: Setting) -> Call | None:
    """None for a line that is wrong."""
    if any(found.violations for found in dialect.check_lines(line + b"\n", source, 0, 1, 0)):
        return None
    call = dialect.to_call(line, setting)
    return call if isinstance(call, Call) else None


def _most(call: Call, route: Route) -> int:
    """The longest answer that the request and the engine allow."""
    can = route.capabilities
    cap = can.output_tokens or can.context_tokens
    asked = call.body.get("max_completion_tokens") or call.body.get("max_tokens")
    asked = asked or can.unasked_output_tokens or cap or DEFAULT_OUTPUT_TOKENS
    return min(asked, cap or asked)
