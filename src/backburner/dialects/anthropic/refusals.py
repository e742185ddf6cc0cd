"""What the Messages API knows and no engine behind this server can do, refused by name and never dropped.

A refusal here is no mistake of the caller's: the request is well-formed, and fails alone, with its reason.
"""

from backburner.core.errors import Code
from backburner.core.exchange import Json
from backburner.dialects.protocol import Refusal

_TOOLS = (
    ("web_search_", "web search"),
    ("web_fetch_", "web fetch"),
    ("code_execution_", "code execution"),
    ("bash_", "the bash tool"),
    ("text_editor_", "the text editor tool"),
    ("computer_", "computer use"),
    ("browser_", "browser use"),
    ("memory_", "the memory tool"),
    ("tool_search_", "tool search"),
    ("mcp_", "MCP tools"),
)
NO_THREADS = "thread: this server holds no conversations; send all of the messages, without thread"


class NotCallable(Exception):
    """A request that cannot become an engine call; carries the refusal."""

    def __init__(self, message: str, code: Code = Code.INVALID_ARGUMENT) -> None:
        super().__init__(message)
        self.refusal = Refusal(code, message)


def refuse_hosted(params: dict[str, Json]) -> None:
    """Raises NotCallable for settings that only Anthropic's own service can honour."""
    for name, what in (("container", "a container"), ("mcp_servers", "MCP servers")):
        if params.get(name):
            raise NotCallable(f"{name}: {what} cannot be used here; leave {name} out")
    if params.get("context_management"):
        raise NotCallable("context_management: no context is edited here; send the messages that are meant")
    if params.get("speed") == "fast":
        raise NotCallable("speed: there is no fast mode here; leave speed out")
    if params.get("inference_geo") not in (None, "global"):
        raise NotCallable("inference_geo: this server cannot promise where an engine stands; leave it out")
    if params.get("diagnostics"):
        raise NotCallable("diagnostics: no cache diagnosis is made here; leave diagnostics out")
    if params.get("thread"):
        raise NotCallable(NO_THREADS)
    if params.get("thinking", {}).get("type") == "between_tools":
        raise NotCallable(
            'thinking: "between_tools" is not supported here; write adaptive, enabled or disabled'
        )


def refuse_tool(tool: dict[str, Json]) -> None:
    """Raises NotCallable for a tool that is not the caller's own function."""
    kind: str | None = tool.get("type")
    if kind not in (None, "custom"):
        name = next((words for start, words in _TOOLS if kind.startswith(start)), "this tool type")
        raise NotCallable(
            f"the tool type {kind!r} is not supported here: {name} is Anthropic's own. "
            "Describe a tool of your own with name, description and input_schema"
        )
    if tool.get("defer_loading"):
        raise NotCallable(
            f"tool {tool['name']!r}: defer_loading needs tool search, which is not supported here"
        )
    callers = tool.get("allowed_callers")
    if callers is not None and "direct" not in callers:
        raise NotCallable(f"tool {tool['name']!r}: only direct calls exist here; leave allowed_callers out")
