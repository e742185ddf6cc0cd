"""Settings: read once, from defaults < config file (TOML) < environment (BACKBURNER_*) < flags.

Every value remembers where it came from (`backburner config` shows it). A malformed value, or an unknown name in
the file, stops the start and says where it stands. Nothing else in the house reads the environment.
"""

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from backburner.core.errors import InvalidArgument
from backburner.core.limits import (
    FILE_BYTES,
    FILE_RETENTION_S,
    JOB_RETENTION_S,
    MESSAGE_BATCH_BYTES,
    MESSAGE_BATCH_REQUESTS,
    RESULT_RETENTION_S,
)
from backburner.policy.price import Price
from backburner.policy.quota import Quota

ENVIRONMENT_PREFIX = "BACKBURNER_"
CHAT_MODEL = "SmolLM2-135M-Instruct"
EMBEDDING_MODEL = "all-MiniLM-L6-v2"
DEFAULT_RULES = (
    ("*embedding*", f"local/{EMBEDDING_MODEL}"),
    ("claude-*", f"local/{CHAT_MODEL}"),
    ("gemini-*", f"local/{CHAT_MODEL}"),
    ("gpt-*", f"local/{CHAT_MODEL}"),
)


EVERYBODY = "*"
TABLES = frozenset(
    ("engines", "models", "prices", "tenants", "webhooks", "webhook_networks")
)  # in the file only


class EngineSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One `[engines.NAME]` table. `api_key_env` names the environment variable that holds the upstream's key."""

    kind: Literal["local", "openai", "simulated"]
    base_url: str = ""
    api_key: str = ""
    api_key_env: str = ""
    server: str = "auto"  # vllm, sglang, llamacpp, ollama, openai, generic
    models: list[str] = msgspec.field(default_factory=list[str])
    slots: int = 0  # 0: what the capability table says
    slots_max: int = 0  # where `slots` is 0: how far to go when finding out
    reserved_slots: int = -1  # kept from jobs while people call; -1: a share of the slots
    hours: str = ""  # runs jobs only then, for example 22:00-06:00
    hosted: bool | Literal["auto"] = "auto"
    gguf: dict[str, str] = msgspec.field(default_factory=dict[str, str])  # local: model name -> GGUF path
    options: str = ""  # simulated: latency_ms=..,jitter=..,error_rate=..,seed=..,log=PATH


def _data_folder() -> str:
    return str(Path(os.environ.get("XDG_DATA_HOME") or "~/.local/share").expanduser() / "backburner")


def _models_folder() -> str:
    return str(Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "backburner" / "models")


class WebhookSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One `[webhooks.NAME]` table. `secret_env` names the environment variable that holds the signing secret."""

    url: str
    events: list[Literal["succeeded", "failed", "cancelled", "expired"]] = msgspec.field(
        default_factory=lambda: ["succeeded", "failed", "cancelled", "expired"]
    )
    tenant: str = EVERYBODY
    secret: str = ""
    secret_env: str = ""


class TenantSettings(Quota, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One `[tenants.NAME]` table; `[tenants."*"]` is for all that have none of their own."""

    egress: Literal["any", "local"] = "any"
    weight: Annotated[float, msgspec.Meta(gt=0)] = 1.0
    answer_cache: bool = False


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """docs/configuration.md has a line for each of these; a test holds that."""

    host: str = "127.0.0.1"
    port: int = 8080
    data: str = msgspec.field(default_factory=_data_folder)
    models_dir: str = msgspec.field(default_factory=_models_folder)
    public_url: str = ""  # what clients call us by, when that is not the Host header (behind a proxy)
    wire_states: Literal["JOB_STATE", "BATCH_STATE"] = "JOB_STATE"
    file_bytes_max: int = FILE_BYTES
    anthropic_batch_bytes_max: int = MESSAGE_BATCH_BYTES
    anthropic_batch_requests_max: int = MESSAGE_BATCH_REQUESTS  # 0: as many as come
    file_retention_hours: float = FILE_RETENTION_S / 3600
    result_retention_days: float = RESULT_RETENTION_S / 86400
    job_retention_days: Annotated[float, msgspec.Meta(ge=0)] = JOB_RETENTION_S / 86400  # 0: for ever
    operator_trouble_hours: Annotated[float, msgspec.Meta(ge=0)] = 24.0
    disk_reserve_mb: Annotated[int, msgspec.Meta(ge=0)] = 256
    audit_retention_days: Annotated[float, msgspec.Meta(gt=0)] = 365.0
    metrics: Literal["guarded", "open", "off"] = "guarded"
    metrics_token: str = ""  # what /metrics wants as a Bearer token
    reuse_duplicates: bool = True
    answer_cache_mb: Annotated[int, msgspec.Meta(ge=1)] = 1024
    answer_cache_days: Annotated[float, msgspec.Meta(gt=0)] = 30.0
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    engine: str = ""  # every model name goes to this one: a name from [engines], or simulated[:options]
    engines: dict[str, EngineSettings] = msgspec.field(default_factory=dict[str, EngineSettings])
    models: dict[str, str | list[str]] = msgspec.field(
        default_factory=dict[str, str | list[str]]
    )  # pattern -> engine/model
    time_zone: str = "UTC"
    currency: str = "USD"
    prices: dict[str, Price] = msgspec.field(default_factory=dict[str, Price])  # engine/model -> price
    webhooks: dict[str, WebhookSettings] = msgspec.field(default_factory=dict[str, WebhookSettings])
    webhook_networks: list[str] = msgspec.field(default_factory=list[str])  # private ones that may be called
    tenants: dict[str, TenantSettings] = msgspec.field(default_factory=dict[str, TenantSettings])

    def tenant(self, name: str) -> TenantSettings:
        return self.tenants.get(name) or self.tenants.get(EVERYBODY) or TenantSettings()


class Loaded(msgspec.Struct, frozen=True):
    """`origins` says for each setting where it came from: default, a file, a variable, a flag."""

    settings: Settings
    origins: dict[str, str]


def load(
    flags: Mapping[str, Any], file: Path | None = None, environment: Mapping[str, str] | None = None
) -> Loaded:
    """The effective settings. `flags` holds those given on the command line (None: not given).

    Raises InvalidArgument naming the setting and its origin.
    """
    environment = os.environ if environment is None else environment
    names = {field.name for field in msgspec.structs.fields(Settings)}
    values: dict[str, Any] = {}
    origins = dict.fromkeys(names, "default")
    for name, value in _from_file(file).items():
        if name not in names:
            raise InvalidArgument(f"{file}: unknown setting {name!r}. Known: {', '.join(sorted(names))}")
        values[name], origins[name] = value, str(file)
    for variable, value in environment.items():
        name = variable.removeprefix(ENVIRONMENT_PREFIX).lower()
        if variable.startswith(ENVIRONMENT_PREFIX) and name in names - TABLES:
            values[name], origins[name] = value, variable
    for name, value in flags.items():
        if value is not None:
            values[name], origins[name] = value, f"--{name.replace('_', '-')}"
    return Loaded(_convert(values, origins), origins)


def _from_file(file: Path | None) -> dict[str, Any]:
    if file is None:
        return {}
    try:
        return tomllib.loads(file.read_text("utf-8"))
    except FileNotFoundError:
        raise InvalidArgument(f"there is no config file {file}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidArgument(f"{file} is not valid TOML: {error}") from None


def _convert(values: dict[str, Any], origins: Mapping[str, str]) -> Settings:
    for name, value in values.items():
        try:
            msgspec.convert({name: value}, Settings, strict=False)
        except msgspec.ValidationError as error:
            raise InvalidArgument(f"setting {name} (from {origins[name]}): {error}") from None
    return msgspec.convert(values, Settings, strict=False)


def upstream_key(engine: EngineSettings) -> str | None:
    """The key for a hosted or guarded engine. Raises InvalidArgument when its variable is not set."""
    return secret_in("an engine's key", engine.api_key, engine.api_key_env) or None


def secret_in(what: str, value: str, variable: str) -> str:
    """A secret of the settings: itself, or what the environment variable named holds. Raises InvalidArgument."""
    if not variable:
        return value
    found = os.environ.get(variable)
    if not found:
        raise InvalidArgument(f"the environment variable {variable} that {what} is in is not set")
    return found


class ClientSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The file `client.toml` of whoever uses a server from the command line: where it is, and the key for it."""

    url: str = ""
    key: str = ""


def client_settings() -> ClientSettings:
    """Those of this user, defaults where there is no file. Raises InvalidArgument."""
    file = client_file()
    if not file.exists():
        return ClientSettings()
    try:
        return msgspec.convert(_from_file(file), ClientSettings)
    except msgspec.ValidationError as error:
        raise InvalidArgument(f"{file}: {error}. Known: url, key") from None


def client_file() -> Path:
    folder = Path(os.environ.get("XDG_CONFIG_HOME") or "~/.config").expanduser()
    return folder / "backburner" / "client.toml"
