"""A good request of the Messages API as an engine call (OpenAI chat body), or the words why not.

Only what a request asks for stands in the body, so an engine's own defaults hold elsewhere. `needs` lists the
features used; whether the engine has them is the dispatcher's question.
"""

import msgspec

from backburner.core.exchange import Call, CallKind, Feature, Json
from backburner.dialects.anthropic.messages import Conversation
from backburner.dialects.anthropic.refusals import NotCallable, refuse_hosted, refuse_tool
from backburner.dialects.anthropic.turns import turns
from backburner.dialects.protocol import Refusal, Setting

_EFFORTS = ("low", "medium")  # "high" is what a model does when nobody says anything
_CHOICES = {"any": "required", "none": "none"}


def message_call(params: dict[str, Json], setting: Setting) -> Call | Refusal:
    """The call that a good request asks for."""
    try:
        return _call(params, setting)
    except NotCallable as cannot:
        return cannot.refusal


def _call(params: dict[str, Json], setting: Setting) -> Call:
    refuse_hosted(params)
    talk = Conversation()
    if "system" in params:
        talk.system(params["system"])
    for turn in turns(params["messages"]):
        talk.add(turn)
    if talk.messages and talk.messages[-1]["role"] == "assistant":
        raise NotCallable(
            "the conversation ends with an assistant message, which the answer would have to continue (prefill); "
            "engines behind this server begin a new message. End with a user message; for JSON use output_config"
        )
    if all(message["role"] == "system" for message in talk.messages):
        raise NotCallable("the conversation holds nothing to answer: add a user message")
    needs = talk.needs | {Feature.CHAT}
    body: dict[str, Json] = {"messages": talk.messages}
    _sampling(params, body, needs)
    _thinking(params, body, needs)
    _output(params, body, needs)
    _tools(params, body, needs)
    return Call(kind=CallKind.CHAT, model=setting.model, body=body, needs=frozenset(needs))


def _sampling(params: dict[str, Json], body: dict[str, Json], needs: set[Feature]) -> None:
    for member, name in (
        ("max_tokens", "max_completion_tokens"),
        ("temperature", "temperature"),
        ("top_p", "top_p"),
    ):
        if member in params:
            body[name] = params[member]
    if params.get("stop_sequences"):
        body["stop"] = params["stop_sequences"]
    if params.get("top_k"):
        body["top_k"] = params["top_k"]
        needs.add(Feature.TOP_K)


def _thinking(params: dict[str, Json], body: dict[str, Json], needs: set[Feature]) -> None:
    """Disabled and adaptive ask for nothing that a plain model lacks."""
    thinking = params.get("thinking", {})
    effort = (params.get("output_config") or {}).get("effort")
    if effort in ("xhigh", "max"):
        raise NotCallable(
            f"output_config.effort {effort!r} is more than engines here know; write high or less"
        )
    if thinking.get("type") == "enabled":
        budget = thinking["budget_tokens"]
        # the brackets of Gemini's OpenAI layer (contract 5.1), which knows budgets on both sides
        body["reasoning_effort"] = "low" if budget <= 1024 else "medium" if budget <= 8192 else "high"
        needs.add(Feature.THINKING)
    elif effort in _EFFORTS:
        body["reasoning_effort"] = effort
        needs.add(Feature.THINKING)


def _output(params: dict[str, Json], body: dict[str, Json], needs: set[Feature]) -> None:
    wanted = (params.get("output_config") or {}).get("format") or params.get("output_format")
    if wanted:
        named = {"name": "response", "schema": wanted["schema"], "strict": True}
        body["response_format"] = {"type": "json_schema", "json_schema": named}
        needs.add(Feature.JSON_SCHEMA)


def _tools(params: dict[str, Json], body: dict[str, Json], needs: set[Feature]) -> None:
    tools: list[dict[str, Json]] = params.get("tools") or []
    if not tools:
        return
    for tool in tools:
        refuse_tool(tool)
    needs.add(Feature.TOOLS)
    body["tools"] = [_function(tool) for tool in tools]
    wanted: dict[str, Json] = params.get("tool_choice") or {"type": "auto"}
    if wanted["type"] == "tool":
        body["tool_choice"] = {"type": "function", "function": {"name": wanted["name"]}}
    elif wanted["type"] in _CHOICES:
        body["tool_choice"] = _CHOICES[wanted["type"]]
    if wanted.get("disable_parallel_tool_use"):
        body["parallel_tool_calls"] = False


def _function(tool: dict[str, Json]) -> dict[str, Json]:
    out: dict[str, Json] = {"name": tool["name"]}
    words = [tool["description"]] if tool.get("description") else []
    if tool.get("input_examples"):  # OpenAI's function has no place for them but here
        examples = [msgspec.json.encode(example).decode() for example in tool["input_examples"]]
        words.append("Examples of its input:\n" + "\n".join(examples))
    if words:
        out["description"] = "\n\n".join(words)
    if tool.get("strict"):
        out["strict"] = True
    out["parameters"] = tool["input_schema"]
    return {"type": "function", "function": out}
