"""One request, decoded: canonical form, every violation, every warning."""

from backburner.core.exchange import Json
from backburner.core.job import JobKind
from backburner.dialects.gemini.rules import embed_rules, generate_rules, model_rule
from backburner.dialects.gemini.walk import read
from backburner.dialects.report import Report

MESSAGE_OF = {JobKind.GENERATE: "GenerateContentRequest", JobKind.EMBED: "EmbedContentRequest"}


def checked(kind: JobKind, request: Json, report: Report, model: str = "") -> dict[str, Json]:
    """The request in canonical spelling. What is wrong is in the report; `model` is the job's, when known."""
    canonical = read(MESSAGE_OF[kind], request, report)
    if type(request) is not dict:
        return canonical
    if kind is JobKind.GENERATE:
        generate_rules(canonical, report)
    else:
        embed_rules(canonical, report)
    if model:
        model_rule(canonical, model, report)
    return canonical


def canonical(kind: JobKind, request: Json) -> dict[str, Json]:
    """A request that was found good before, in canonical spelling."""
    return read(MESSAGE_OF[kind], request, Report())
