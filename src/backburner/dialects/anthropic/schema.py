"""The Messages API's request, as it is documented (anthropic 2.11 types), in checks.

What is known to the API but cannot be served here (server tools, containers, files of Anthropic's) has its place
in this schema all the same: it is no mistake of the caller, and translate.py refuses it by name.
"""

from backburner.core.exchange import Json
from backburner.dialects.anthropic.checks import (
    Check,
    an_object,
    anything,
    choice,
    either,
    flag,
    listed,
    members,
    number,
    optional,
    tagged,
    text,
    whole,
)
from backburner.dialects.report import Place, Report, shown

CUSTOM_ID = r"[a-zA-Z0-9_-]{1,64}"
TOOL_NAME = r"[a-zA-Z0-9_-]{1,128}"
IMAGE_TYPES = ("image/jpeg", "image/png", "image/gif", "image/webp")
PDF = "application/pdf"

_TYPE = text()
_cache = {"cache_control": optional(an_object)}


def _block(fields: dict[str, Check], *required: str) -> Check:
    return members({"type": _TYPE, **_cache, **fields}, required)


def _source(**kinds: Check) -> Check:
    return tagged(kinds, "a source")


def _encoded(*media_types: str) -> Check:
    return members(
        {"type": _TYPE, "media_type": choice(*media_types), "data": text(least=4)}, ("media_type", "data")
    )


_URL = members({"type": _TYPE, "url": text(least=1)}, ("url",))
_FILE = members({"type": _TYPE, "file_id": text(least=1)}, ("file_id",))
_TEXT = _block({"text": text(least=1), "citations": anything}, "text")
_IMAGE = _block(
    {
        "source": _source(base64=_encoded(*IMAGE_TYPES), url=_URL, file=_FILE),
        "transformations": optional(an_object),
    },
    "source",
)
_CITATIONS = optional(members({"enabled": flag}))
_CONTENT_SOURCE = members(
    {
        "type": _TYPE,
        "content": either(text(least=1), listed(tagged({"text": _TEXT, "image": _IMAGE}, "a content block"))),
    },
    ("content",),
)
_DOCUMENT = _block(
    {
        "source": _source(
            base64=_encoded(PDF),
            text=members(
                {"type": _TYPE, "media_type": choice("text/plain"), "data": text()}, ("media_type", "data")
            ),
            content=_CONTENT_SOURCE,
            url=_URL,
            file=_FILE,
        ),
        "title": optional(text()),
        "context": optional(text()),
        "citations": _CITATIONS,
    },
    "source",
)
_SEARCH_RESULT = _block(
    {
        "source": text(),
        "title": text(),
        "content": listed(tagged({"text": _TEXT}, "a content block"), least=1, what="text block"),
        "citations": _CITATIONS,
    },
    *("source", "title", "content"),
)
_SHOWN = {"text": _TEXT, "image": _IMAGE, "document": _DOCUMENT, "search_result": _SEARCH_RESULT}
_RESULT_PART = tagged({**_SHOWN, "tool_reference": an_object, "browser_state": an_object}, "a content block")
_TOOL_RESULT = _block(
    {
        "tool_use_id": text(least=1),
        "content": either(text(), listed(_RESULT_PART)),
        "is_error": flag,
        "toolset_name": optional(text()),
    },
    "tool_use_id",
)
_TOOL_USE = _block(
    {
        "id": text(least=1),
        "name": text(least=1),
        "input": an_object,
        "caller": an_object,
        "toolset_name": optional(text()),
    },
    *("id", "name", "input"),
)
# Blocks that Anthropic's own servers write or read. Nothing here can have made them.
SERVER_BLOCKS = (
    "server_tool_use",
    "web_search_tool_result",
    "web_fetch_tool_result",
    "code_execution_tool_result",
    "bash_code_execution_tool_result",
    "text_editor_code_execution_tool_result",
    "tool_search_tool_result",
    "mcp_tool_use",
    "mcp_tool_result",
    "container_upload",
    "compaction",
)
_server: dict[str, Check] = dict.fromkeys(SERVER_BLOCKS, an_object)
_USER_BLOCK = tagged({**_SHOWN, "tool_result": _TOOL_RESULT, **_server}, "a content block of a user message")
_ASSISTANT_BLOCK = tagged(
    {
        "text": _TEXT,
        "tool_use": _TOOL_USE,
        "thinking": members({"type": _TYPE, "thinking": text(), "signature": text()}, ("thinking",)),
        "redacted_thinking": members({"type": _TYPE, "data": text()}),
        **_server,
    },
    "a content block of an assistant message",
)
_TEXT_BLOCK = tagged({"text": _TEXT}, "a system block")
_CONTENT = {
    "user": either(text(), listed(_USER_BLOCK)),
    "assistant": either(text(), listed(_ASSISTANT_BLOCK)),
    "system": either(text(), listed(_TEXT_BLOCK)),
}


def _message(value: Json, place: Place, report: Report) -> None:
    if not isinstance(value, dict):
        report.wrong(place, f'expected {{"role": ..., "content": ...}}, found {shown(value)}')
        return
    role = value.get("role")
    content = _CONTENT.get(role) if isinstance(role, str) else None
    hints = {
        "tool_calls": 'Write content blocks {"type": "tool_use", ...}',
        "tool_call_id": 'Write a user message with a block {"type": "tool_result", ...}',
        "parts": 'Write "content": [{"type": "text", "text": "..."}]',
    }
    if role == "tool":
        report.wrong(
            (place, "role"),
            'expected "user" or "assistant", found the string "tool"',
            'The answer of a tool is a user message with a block {"type": "tool_result", ...}',
        )
        return
    fields: dict[str, Check] = {"role": choice("user", "assistant", "system"), "content": content or anything}
    members(fields, ("role", "content"), hints)(value, place, report)


_CUSTOM_TOOL = members(
    {
        "type": optional(choice("custom")),
        "name": text(pattern=TOOL_NAME, example="get_weather"),
        "description": text(),
        "input_schema": an_object,
        "strict": flag,
        "eager_input_streaming": optional(flag),
        "input_examples": listed(an_object),
        "allowed_callers": listed(text()),
        "defer_loading": flag,
        **_cache,
    },
    ("name", "input_schema"),
    {
        "function": 'Write {"name": "...", "description": "...", "input_schema": {...}}',
        "parameters": 'Write "input_schema": {...}',
        "inputSchema": 'Write "input_schema": {...}',
    },
)


def _tool(value: Json, place: Place, report: Report) -> None:
    """A tool of the caller's; one of Anthropic's own types is looked at no further."""
    kind = value.get("type") if isinstance(value, dict) else None
    if kind == "function" or not isinstance(kind, str) or kind == "custom":
        _CUSTOM_TOOL(value, place, report)


_parallel = {"type": _TYPE, "disable_parallel_tool_use": flag}
_TOOL_CHOICE = tagged(
    {
        "auto": members(_parallel),
        "any": members(_parallel),
        "tool": members({**_parallel, "name": text(least=1)}, ("name",)),
        "none": members({"type": _TYPE}),
    },
    "a tool choice",
)
_display = {"type": _TYPE, "display": optional(choice("summarized", "omitted"))}
_THINKING = tagged(
    {
        "enabled": members({**_display, "budget_tokens": whole(1024)}, ("budget_tokens",)),
        "adaptive": members(_display),
        "disabled": members({"type": _TYPE}),
        "between_tools": members({"type": _TYPE}),
    },
    "thinking",
)
_FORMAT = optional(
    tagged({"json_schema": members({"type": _TYPE, "schema": an_object}, ("schema",))}, "an output format")
)
_OUTPUT = members({"effort": optional(choice("low", "medium", "high", "xhigh", "max")), "format": _FORMAT})

_NOT_HERE = "The Messages API has no such setting; leave it out"
_SCHEMA = 'Write "output_config": {"format": {"type": "json_schema", "schema": {...}}}'
_MESSAGES = 'Write "messages": [{"role": "user", "content": "..."}]'
HINTS = {
    "messages": _MESSAGES,
    "max_tokens": 'Write for example "max_tokens": 1024',
    "model": 'Write for example "model": "claude-sonnet-5"',
    "prompt": _MESSAGES,
    "contents": _MESSAGES,
    "input": _MESSAGES,
    "max_completion_tokens": 'Write "max_tokens"',
    "max_tokens_to_sample": 'Write "max_tokens"',
    "maxTokens": 'Write "max_tokens"',
    "stop": 'Write "stop_sequences": ["..."]',
    "response_format": _SCHEMA,
    "functions": 'Write "tools": [{"name": "...", "input_schema": {...}}]',
    "reasoning_effort": 'Write "output_config": {"effort": "low"}',
    "system_prompt": 'Write "system"',
    "systemInstruction": 'Write "system"',
    "betas": "Betas are named in the anthropic-beta header",
    "n": _NOT_HERE,
    "seed": _NOT_HERE,
    "logprobs": _NOT_HERE,
    "presence_penalty": _NOT_HERE,
    "frequency_penalty": _NOT_HERE,
}
MEMBERS: dict[str, Check] = {
    "model": text(least=1),
    "messages": listed(_message, least=1, what="message"),
    "max_tokens": whole(1),
    "system": either(text(), listed(_TEXT_BLOCK)),
    "temperature": number(0, 1),
    "top_p": number(0, 1),
    "top_k": whole(0),
    "stop_sequences": listed(text(least=1)),
    "stream": flag,
    "tools": listed(_tool),
    "tool_choice": _TOOL_CHOICE,
    "thinking": _THINKING,
    "output_config": _OUTPUT,
    "output_format": _FORMAT,
    "metadata": members({"user_id": optional(text())}),
    "service_tier": choice("auto", "standard_only"),
    "user_profile_id": text(),
    "speed": optional(choice("standard", "fast")),
    "inference_geo": optional(text()),
    "container": anything,
    "context_management": optional(an_object),
    "mcp_servers": listed(an_object),
    "diagnostics": optional(an_object),
    "thread": optional(an_object),
    **_cache,
}
PARAMS = members(MEMBERS, (), HINTS)
