"""Engines and the rules that map model names to them, as the settings say."""

from collections.abc import Iterable
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from backburner.config import DEFAULT_RULES, EngineSettings, Settings, upstream_key
from backburner.core.clock import Clock
from backburner.core.errors import InvalidArgument
from backburner.engines.local.engine import LocalEngine
from backburner.engines.openai import OpenAIEngine
from backburner.engines.protocol import Engine
from backburner.engines.routes import ANY, Routes, Rule, Terms
from backburner.engines.simulated import SimulatedEngine
from backburner.engines.simulated_options import parse_simulated
from backburner.policy.hours import parse_hours

SIMULATED = "simulated"
PRIVATE_NAMES = (".local", ".internal", ".lan", ".localhost", ".home.arpa", ".svc", ".cluster.local")


def build_engines(settings: Settings, clock: Clock) -> tuple[list[Engine], list[Rule]]:
    """The engines of the config and the rules that map names to them. Raises InvalidArgument."""
    name = settings.engine.partition(":")[0]
    if name == SIMULATED and SIMULATED not in settings.engines:
        simulated = SimulatedEngine(SIMULATED, parse_simulated(settings.engine), clock)
        return [simulated], [Rule(ANY, SIMULATED, ANY)]
    configured = {"local": EngineSettings(kind="local"), **settings.engines}
    if settings.engine and settings.engine not in configured:
        known = ", ".join(sorted(configured))
        raise InvalidArgument(f"engine {settings.engine!r} is not configured. Known: {known}, simulated")
    rules = [
        _rule(pattern, target)
        for pattern, targets in settings.models.items()
        for target in ([targets] if isinstance(targets, str) else targets)
    ]
    if settings.engine == "local" or not settings.engine:
        rules += [_rule(pattern, target) for pattern, target in DEFAULT_RULES]
    else:
        rules.append(Rule(ANY, settings.engine, ANY))
    for rule in rules:
        if rule.engine not in configured:
            raise InvalidArgument(
                f"models: {rule.pattern!r} is mapped to engine {rule.engine!r}, which is not in [engines]"
            )
    rules = reachable(rules)
    used = settings.engines.keys() | {
        rule.engine for rule in rules
    }  # no embedded engine that nothing leads to
    built = [_engine(name, engine, settings, clock) for name, engine in configured.items() if name in used]
    return built, rules


def build_routes(settings: Settings, clock: Clock, engines: Iterable[Engine] | None = None) -> Routes:
    """The ways from model names to engines; `engines` stand in for those of the config. Raises InvalidArgument."""
    built, rules = build_engines(settings, clock)
    return Routes(
        built if engines is None else engines,
        rules,
        terms_of(settings),
        lambda tenant: settings.tenant(tenant).egress == "local",
    )


def reachable(rules: list[Rule]) -> list[Rule]:
    """Without those behind a rule that takes every name."""
    for place, rule in enumerate(rules):
        if rule.pattern == ANY:
            return [*rules[:place], *(rule for rule in rules[place:] if rule.pattern == ANY)]
    return rules


def terms_of(settings: Settings) -> dict[str, Terms]:
    """What the settings say of engines beside where they are. Raises InvalidArgument."""
    for name, engine in settings.engines.items():
        if engine.reserved_slots < -1:
            raise InvalidArgument(
                f"engines.{name}: reserved_slots is {engine.reserved_slots}; expected 0 or more, or -1 for a share"
            )
    return {
        name: Terms(
            reserved_slots=engine.reserved_slots,
            hours=parse_hours(engine.hours, settings.time_zone),
            hosted=_hosted(engine),
        )
        for name, engine in settings.engines.items()
    }


def _hosted(engine: EngineSettings) -> bool:
    """Whether what an engine is sent leaves the operator's hands: what the settings say, else whether its address is
    one of the open network."""
    if engine.hosted != "auto":
        return engine.hosted
    host = urlsplit(engine.base_url).hostname or ""
    try:
        return ip_address(host).is_global
    except ValueError:  # a name: of this machine, of a container beside it, or of a house network
        return "." in host and not host.endswith(PRIVATE_NAMES)


def _rule(pattern: str, target: str) -> Rule:
    engine, slash, model = target.partition("/")
    return Rule(pattern, engine, model if slash else ANY)


def _engine(name: str, engine: EngineSettings, settings: Settings, clock: Clock) -> Engine:
    if engine.kind == "local":
        return LocalEngine(
            Path(settings.models_dir).expanduser(),
            name=name,
            gguf_models={model: Path(path).expanduser() for model, path in engine.gguf.items()},
            clock=clock,
        )
    if engine.kind == "simulated":
        return SimulatedEngine(
            name,
            parse_simulated(f"{SIMULATED}:{engine.options}" if engine.options else SIMULATED),
            clock,
            engine.models,
        )
    if not engine.base_url:
        raise InvalidArgument(
            f"engines.{name}: an openai engine needs a base_url, for example http://127.0.0.1:8000/v1"
        )
    return OpenAIEngine(
        name,
        engine.base_url,
        clock,
        api_key=upstream_key(engine),
        kind=engine.server,
        models=engine.models,
        slots=engine.slots,
        slots_max=engine.slots_max,
    )
