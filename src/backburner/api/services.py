"""What a door may call: the use cases and a few plain values. Built by app.py."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from backburner.api.sessions import Sessions
from backburner.core.clock import Clock
from backburner.dialects.protocol import Dialect
from backburner.service.audit import AuditService
from backburner.service.caches import CacheService
from backburner.service.engines import EngineService
from backburner.service.estimate import EstimateService
from backburner.service.files import FileService
from backburner.service.follow import FollowService
from backburner.service.health import HealthService
from backburner.service.interactive import InteractiveService
from backburner.service.jobs import JobService
from backburner.service.keys import KeyService
from backburner.service.listing import Listing
from backburner.service.metrics import MetricsService
from backburner.service.models import ModelService
from backburner.service.output import OutputService
from backburner.service.progress import ProgressService
from backburner.service.requests import RequestService
from backburner.service.results import ResultService
from backburner.service.retries import RetryService
from backburner.service.webhooks import WebhookService
from backburner.work.space import Space


@dataclass(frozen=True)
class Services:
    """`public_url` is empty when callers reach us by the Host they name. `wire_states` is the prefix of job
    states on the Gemini wire, JOB_STATE or BATCH_STATE; `message_batch_*` are the limits of a creation at the
    Anthropic door, 0 requests for as many as come. `metrics` is who may read them: guarded, open or off."""

    clock: Clock
    dialects: Mapping[str, Dialect]
    jobs: JobService
    retries: RetryService
    listing: Listing
    progress: ProgressService
    results: ResultService
    output: OutputService
    follow: FollowService
    requests: RequestService
    files: FileService
    estimates: EstimateService
    caches: CacheService
    models: ModelService
    engines: EngineService
    interactive: InteractiveService
    keys: KeyService
    webhooks: WebhookService
    space: Space
    metric_values: MetricsService
    health: HealthService
    audit: AuditService
    metrics: str
    metrics_token: str
    public_url: str
    currency: str
    message_batch_bytes: int
    message_batch_requests: int
    wire_states: str
    sessions: Sessions = field(default_factory=Sessions, kw_only=True)
