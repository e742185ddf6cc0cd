"""What the tables cannot say: rules between fields of one request, over its canonical form.

Each rule is a small function; `generate_rules` and `embed_rules` are the whole list. Rules read the canonical
dict that `walk.read` returns, so they know one spelling only; paths use canonical names.
"""

import re

from backburner.core.exchange import Json
from backburner.dialects.gemini.hints import WORDS
from backburner.dialects.gemini.schema import PART_DATA
from backburner.dialects.report import Flawed, Place, Report, quoted, shown

_PART_DATA = frozenset(PART_DATA)
_TRACES = frozenset(("thought", "thoughtSignature"))  # SDK chats send back empty thoughts beside the text
_ROLES = frozenset(("user", "model", "function"))
_ROLE_INSTEAD = {
    "assistant": 'Write "role": "model"',
    "ai": 'Write "role": "model"',
    "bot": 'Write "role": "model"',
    "system": 'Move it to "systemInstruction": {"parts": [{"text": "..."}]}, beside contents',
    "developer": 'Move it to "systemInstruction": {"parts": [{"text": "..."}]}, beside contents',
    "tool": 'Write "role": "user" with a functionResponse part',
}
_NEEDED = {
    "inlineData": ("mimeType", "data"),
    "fileData": ("fileUri",),
    "functionCall": ("name",),
    "functionResponse": ("name",),
    "executableCode": ("code",),
}
_MIME_TYPES = ("text/plain", "application/json", "text/x.enum")
_FUNCTION_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.:-]{0,127}")
# The real service's words, known to those who search for them (contract 3.2).
_CACHED_WORDS = (
    "CachedContent can not be used with GenerateContent request setting system_instruction, tools or "
    "tool_config"
)
SAFETY_WARNING = "safetySettings are accepted, but the embedded model has no safety filter"


def generate_rules(request: dict[str, Json], report: Report) -> None:
    """Everything that must hold between the fields of a GenerateContentRequest."""
    contents = request.get("contents")
    if (
        not contents
        and "cachedContent" not in request
        and _truly_missing("contents", request, "GenerateContentRequest")
    ):
        found = "none" if contents is None else "an empty list"
        report.wrong(
            (None, "contents"),
            f"expected at least one content, found {found}",
            'Write "contents": [{"parts": [{"text": "..."}]}]',
        )
    contents_rules(contents or [], (None, "contents"), report)
    if "systemInstruction" in request:
        parts_rules(request["systemInstruction"], (None, "systemInstruction"), report)
    if "generationConfig" in request:
        _generation_config(request["generationConfig"], (None, "generationConfig"), report)
    if "cachedContent" in request:
        _cached_content(request, report)
    if "tools" in request or "toolConfig" in request:
        tools_rules(request, report)
    if "safetySettings" in request:
        report.warn(SAFETY_WARNING)
    _without_effect(request, request.get("generationConfig") or {}, report)


# Accepted, because real clients send them and no answer becomes wrong, and said aloud, because nothing comes of
# them here.
_NO_EFFECT = ("store", "continuationToken")
_NO_EFFECT_IN_CONFIG = ("mediaResolution", "enableEnhancedCivicAnswers", "audioTimestamp")
_NO_EFFECT_EMBEDDING = ("autoTruncate", "documentOcr")


def _without_effect(request: dict[str, Json], config: dict[str, Json], report: Report) -> None:
    names = [name for name in _NO_EFFECT if request.get(name)]
    names += [f"generationConfig.{name}" for name in _NO_EFFECT_IN_CONFIG if config.get(name)]
    names += (
        ["toolConfig.retrievalConfig"] if (request.get("toolConfig") or {}).get("retrievalConfig") else []
    )
    _warn_of(names, report)


def _warn_of(names: list[str], report: Report) -> None:
    for name in names:
        report.warn(f"{name} is accepted and has no effect here")


def contents_rules(contents: list[Json], place: Place, report: Report) -> None:
    for at, content in enumerate(contents):
        here = (place, at)
        parts_rules(content, here, report)
        role = content.get("role")
        if role and role not in _ROLES:
            report.wrong(
                (here, "role"),
                f"expected user, model or function, found {quoted(role)}",
                _ROLE_INSTEAD.get(role.lower(), ""),
            )


def embed_rules(request: dict[str, Json], report: Report) -> None:
    if "content" not in request:
        if _truly_missing("content", request, "EmbedContentRequest"):
            report.wrong(
                (None, "content"),
                "expected a content, found none",
                'Write "content": {"parts": [{"text": "..."}]}',
            )
        return
    parts_rules(request["content"], (None, "content"), report)
    _warn_of([name for name in _NO_EFFECT_EMBEDDING if request.get(name)], report)
    if request.get("title") and request.get("taskType", "RETRIEVAL_DOCUMENT") != "RETRIEVAL_DOCUMENT":
        report.warn(
            "title is only meant for taskType RETRIEVAL_DOCUMENT; it is put before the text all the same"
        )


def _truly_missing(name: str, value: dict[str, Json], message: str) -> bool:
    """Whether a member is missing or empty, and nothing that was refused in the object stands for it: neither
    itself in a wrong shape nor a word from another API."""
    if value.get(name):
        return False
    if not isinstance(value, Flawed):
        return True
    if not value.refused:
        return False  # not an object at all
    words = WORDS.get(message)
    return name not in value.refused and words is not None and not value.refused.intersection(words)


def model_rule(request: dict[str, Json], model: str, report: Report) -> None:
    """One model per job: a request may repeat the job's model, not choose another."""
    named = request.get("model")
    if named and bare_model(named) != bare_model(model):
        report.wrong(
            (None, "model"),
            f"this request names {quoted(named)}, the job runs on {quoted(model)}, and a job has one model",
            "Leave model out, or make a job of its own for the requests of the other model",
        )


def bare_model(name: str) -> str:
    return name.removeprefix("models/")


def parts_rules(content: dict[str, Json], place: Place, report: Report) -> None:
    parts = content.get("parts")
    if not parts:
        if _truly_missing("parts", content, "Content"):
            found = "none" if parts is None else "an empty list"
            report.wrong(
                (place, "parts"), f"expected at least one part, found {found}", 'Write [{"text": "..."}]'
            )
        return
    for at, part in enumerate(parts):
        _part(part, ((place, "parts"), at), report, len(parts) == 1)


def _part(part: dict[str, Json], place: Place, report: Report, alone: bool) -> None:
    data = _PART_DATA.intersection(part)
    if len(data) != 1:
        if data:
            report.wrong(
                place, f"expected one of text, inlineData, fileData and the like, found {_and(data)}"
            )
        elif not isinstance(part, Flawed) and (alone or not _TRACES.intersection(part)):
            report.wrong(place, "expected text, inlineData, fileData or the like, found none of them")
        return
    (kind,) = data
    for name in _NEEDED.get(kind, ()):
        if _truly_missing(name, part[kind], ""):
            report.wrong(((place, kind), name), "expected a value, found none")


def _and(names: frozenset[str]) -> str:
    *first, last = sorted(names)
    return f"{', '.join(first)} and {last}"


def _generation_config(config: dict[str, Json], place: Place, report: Report) -> None:
    mime = config.get("responseMimeType")
    if mime is not None and mime not in _MIME_TYPES:
        report.wrong(
            (place, "responseMimeType"), f"expected one of {', '.join(_MIME_TYPES)}, found {shown(mime)}"
        )
    schemas = [name for name in ("responseSchema", "responseJsonSchema") if name in config]
    if len(schemas) == 2:
        report.wrong(
            (place, "responseJsonSchema"),
            "responseSchema and responseJsonSchema are both given",
            "Keep one of them",
        )
    if schemas and mime in (None, "text/plain"):
        report.wrong(
            (place, schemas[0]),
            f"a schema is given, but responseMimeType is {mime or 'missing'}, so it would have no effect",
            'Add "responseMimeType": "application/json"',
        )
    if "responseJsonSchema" in config and type(config["responseJsonSchema"]) not in (dict, bool):
        report.wrong(
            (place, "responseJsonSchema"),
            f"expected a JSON Schema object, found {shown(config['responseJsonSchema'])}",
            "Write the schema itself, not its text",
        )
    if "responseSchema" in config:
        schema_rules(config["responseSchema"], (place, "responseSchema"), report)
    if mime == "text/x.enum":
        _enum_answer(config, schemas, place, report)
    if config.get("logprobs") is not None and not config.get("responseLogprobs"):
        report.wrong(
            (place, "logprobs"),
            "logprobs needs responseLogprobs",
            'Add "responseLogprobs": true, or leave it out',
        )
    thinking = config.get("thinkingConfig", {})
    if "thinkingBudget" in thinking and "thinkingLevel" in thinking:
        report.wrong(
            (place, "thinkingConfig"), "thinkingBudget and thinkingLevel are both given", "Keep one of them"
        )


def _enum_answer(config: dict[str, Json], schemas: list[str], place: Place, report: Report) -> None:
    schema = config.get(schemas[0]) if schemas else None
    values = schema.get("enum") if isinstance(schema, dict) else None
    if not values or not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        report.wrong(
            (place, schemas[0] if schemas else "responseSchema"),
            "responseMimeType text/x.enum needs a schema with the strings to choose from",
            'Write "responseSchema": {"type": "STRING", "enum": ["yes", "no"]}',
        )


def schema_rules(schema: dict[str, Json], place: Place, report: Report) -> None:
    """Names in `required` and `propertyOrdering` must be properties; the lists are short and typed."""
    properties = schema.get("properties", {})
    for member in ("required", "propertyOrdering"):
        for at, name in enumerate(schema.get(member, ())):
            if name not in properties:
                report.wrong(((place, member), at), f"{quoted(name)} is not among the properties")
    for name, inner in properties.items():
        schema_rules(inner, ((place, "properties"), name), report)
    if "items" in schema:
        schema_rules(schema["items"], (place, "items"), report)
    for at, inner in enumerate(schema.get("anyOf", ())):
        schema_rules(inner, ((place, "anyOf"), at), report)
    for name, inner in schema.get("defs", {}).items():
        schema_rules(inner, ((place, "defs"), name), report)


def _cached_content(request: dict[str, Json], report: Report) -> None:
    name = request["cachedContent"]
    if not re.fullmatch(r"cachedContents/[^/\s]+", name):
        report.wrong((None, "cachedContent"), f"expected cachedContents/<id>, found {shown(name)}")
    for member in ("systemInstruction", "tools", "toolConfig"):
        if member in request:
            report.wrong((None, member), _CACHED_WORDS, f"Move {member} into the cached content")


def tools_rules(request: dict[str, Json], report: Report) -> None:
    declared: set[str] = set()
    for at, tool in enumerate(request.get("tools", ())):
        place: Place = (((None, "tools"), at), "functionDeclarations")
        for number, function in enumerate(tool.get("functionDeclarations", ())):
            _function(function, (place, number), declared, report)
    calling = request.get("toolConfig", {}).get("functionCallingConfig", {})
    for at, name in enumerate(calling.get("allowedFunctionNames", ())):
        if name not in declared:
            here: Place = ((None, "toolConfig"), "functionCallingConfig")
            report.wrong(((here, "allowedFunctionNames"), at), f"{quoted(name)} is not a declared function")


def _function(function: dict[str, Json], place: Place, declared: set[str], report: Report) -> None:
    name = function.get("name", "")
    if not _FUNCTION_NAME.fullmatch(name):
        report.wrong(
            (place, "name"),
            f"expected a letter or underscore, then letters, digits, _ . : -, at most 128, found {quoted(name)}",
        )
    elif name in declared:
        report.wrong((place, "name"), f"a function named {quoted(name)} is declared twice")
    declared.add(name)
    if "parameters" in function and "parametersJsonSchema" in function:
        report.wrong(
            (place, "parametersJsonSchema"),
            "parameters and parametersJsonSchema are both given",
            "Keep one of them",
        )
    if "parameters" in function:
        schema_rules(function["parameters"], (place, "parameters"), report)
