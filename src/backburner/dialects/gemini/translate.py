"""A canonical GenerateContentRequest as an engine call (OpenAI chat body), or the words why not.

Only what a request asks for stands in the body, so an engine's own defaults hold elsewhere. `needs` lists the
features used; whether the engine has them is the dispatcher's question. What no engine behind this protocol
can do is refused here by name, never dropped in silence.
"""

from backburner.core.errors import Code
from backburner.core.exchange import Call, CallKind, Feature, Json
from backburner.dialects.gemini.media import NotCallable
from backburner.dialects.gemini.messages import Conversation
from backburner.dialects.gemini.structured import json_schema, response_format
from backburner.dialects.gemini.walk import read
from backburner.dialects.protocol import Refusal, Setting
from backburner.dialects.report import Report

_HOSTED_TOOLS = {
    "codeExecution": "code execution (code_execution)",
    "urlContext": "URL context (url_context)",
    "googleMaps": "Google Maps grounding (google_maps)",
    "computerUse": "computer use (computer_use)",
    "fileSearch": "file search (file_search)",
    "mcpServers": "MCP servers (mcp_servers)",
    "enterpriseWebSearch": "enterprise web search (enterprise_web_search)",
    "retrieval": "retrieval",
    "parallelAiSearch": "Parallel AI search (parallel_ai_search)",
    "exaAiSearch": "Exa AI search (exa_ai_search)",
}
_HOSTED_SETTINGS = {
    "speechConfig": "speech output (speechConfig)",
    "imageConfig": "image output (imageConfig)",
    "audioTranscriptionConfig": "audio transcription (audioTranscriptionConfig)",
    "translationConfig": "speech translation (translationConfig)",
    "responseFormat": "responseFormat",
    "routingConfig": "model routing (routingConfig)",
    "modelSelectionConfig": "model selection (modelSelectionConfig)",
    "enableAffectiveDialog": "affective dialog (enableAffectiveDialog)",
}
_EFFORTS = {"LOW": "low", "MEDIUM": "medium", "HIGH": "high", "XHIGH": "xhigh"}


def generate_call(request: dict[str, Json], setting: Setting) -> Call | Refusal:
    """The call that a good, canonical request asks for."""
    try:
        merged = with_cached(request, setting)
        return _call(merged, setting)
    except NotCallable as cannot:
        return cannot.refusal


def with_cached(request: dict[str, Json], setting: Setting) -> dict[str, Json]:
    """The request with its cached content in place: contents before its own, system and tools beside."""
    name = request.get("cachedContent")
    if name is None:
        return request
    cached = setting.cached(name.removeprefix("cachedContents/"))
    if cached is None:
        raise NotCallable(f"{name} does not exist or has expired. Create it again", Code.NOT_FOUND)
    cached = read("CachedContent", cached, Report())
    merged = {key: value for key, value in request.items() if key != "cachedContent"}
    merged["contents"] = [*cached.get("contents", ()), *request.get("contents", ())]
    for member in ("systemInstruction", "tools", "toolConfig"):
        if member in cached:
            merged[member] = cached[member]
    return merged


def _call(request: dict[str, Json], setting: Setting) -> Call:
    talk = Conversation()
    if "systemInstruction" in request:
        talk.system(request["systemInstruction"])
    for content in request.get("contents", ()):
        talk.add(content)
    if not talk.messages:
        raise NotCallable("the request holds nothing to answer: contents is empty")
    needs = talk.needs | {Feature.CHAT}
    body: dict[str, Json] = {"messages": talk.messages}
    _sampling(request.get("generationConfig", {}), body, needs)
    _thinking(request.get("generationConfig", {}), body, needs)
    _tools(request, body, needs)
    return Call(
        kind=CallKind.CHAT, model=setting.model, body=body, needs=frozenset(needs), media=tuple(talk.media)
    )


def _sampling(config: dict[str, Json], body: dict[str, Json], needs: set[Feature]) -> None:
    for member, feature in _HOSTED_SETTINGS.items():
        if config.get(member):
            raise NotCallable(f"{feature} is not supported here; leave {member} out")
    for modality in config.get("responseModalities", ()):
        if modality not in ("TEXT", "MODALITY_UNSPECIFIED"):
            raise NotCallable(f"responseModalities {modality} is not supported here; only TEXT is")
    _copy(config, body, "temperature", "temperature")
    _copy(config, body, "topP", "top_p")
    _copy(config, body, "maxOutputTokens", "max_completion_tokens")
    if config.get("stopSequences"):
        body["stop"] = config["stopSequences"]
    if config.get("topK"):
        body["top_k"] = int(config["topK"])
        needs.add(Feature.TOP_K)
    if "seed" in config:
        body["seed"] = config["seed"]
        needs.add(Feature.SEED)
    if config.get("candidateCount", 1) > 1:
        body["n"] = config["candidateCount"]
        needs.add(Feature.CANDIDATES)
    for member, name in (("presencePenalty", "presence_penalty"), ("frequencyPenalty", "frequency_penalty")):
        if config.get(member):
            body[name] = config[member]
            needs.add(Feature.PENALTIES)
    if config.get("responseLogprobs"):
        body["logprobs"] = True
        needs.add(Feature.LOGPROBS)
        if config.get("logprobs"):
            body["top_logprobs"] = config["logprobs"]
            needs.add(Feature.TOP_LOGPROBS)
    wanted, feature = response_format(config)
    if wanted is not None and feature is not None:
        body["response_format"] = wanted
        needs.add(feature)


def _copy(config: dict[str, Json], body: dict[str, Json], member: str, name: str) -> None:
    if member in config:
        body[name] = config[member]


def _thinking(config: dict[str, Json], body: dict[str, Json], needs: set[Feature]) -> None:
    """Off, minimal and dynamic (-1) ask for nothing that a plain model lacks."""
    thinking = config.get("thinkingConfig", {})
    effort = _EFFORTS.get(thinking.get("thinkingLevel", ""))
    budget = thinking.get("thinkingBudget", 0)
    if effort is None and budget > 0:
        # the brackets of Gemini's own OpenAI layer (contract 5.1)
        effort = "low" if budget <= 1024 else "medium" if budget <= 8192 else "high"
    if effort is not None:
        body["reasoning_effort"] = effort
        needs.add(Feature.THINKING)


def _tools(request: dict[str, Json], body: dict[str, Json], needs: set[Feature]) -> None:
    declared: list[dict[str, Json]] = []
    for tool in request.get("tools", ()):
        for member, feature in _HOSTED_TOOLS.items():
            if member in tool:
                raise NotCallable(f"the tool {feature} is not supported here; take it out of tools")
        if "googleSearch" in tool or "googleSearchRetrieval" in tool:
            needs.add(Feature.WEB_SEARCH)
            body["web_search_options"] = {}
        declared.extend(_function(function) for function in tool.get("functionDeclarations", ()))
    calling = request.get("toolConfig", {}).get("functionCallingConfig", {})
    mode = calling.get("mode", "AUTO")
    if not declared:
        return
    needs.add(Feature.TOOLS)
    allowed = calling.get("allowedFunctionNames", ())
    if allowed and mode in ("ANY", "VALIDATED"):
        declared = [function for function in declared if function["function"]["name"] in allowed]
    body["tools"] = declared
    if mode == "NONE":
        body["tool_choice"] = "none"
    elif mode == "ANY":
        body["tool_choice"] = "required"


def _function(function: dict[str, Json]) -> dict[str, Json]:
    out: dict[str, Json] = {"name": function["name"]}
    if "description" in function:
        out["description"] = function["description"]
    if "parametersJsonSchema" in function:
        out["parameters"] = function["parametersJsonSchema"]
    elif "parameters" in function:
        out["parameters"] = json_schema(function["parameters"])
    else:
        out["parameters"] = {"type": "object", "properties": {}}
    return {"type": "function", "function": out}
