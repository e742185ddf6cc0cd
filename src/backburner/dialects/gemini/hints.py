"""The common mistakes and what to write instead (contract section 7.3, 7.3b; the seeds' discussions).

Three sources, tried in order: a word known from another API or an SDK, a field of ours at the wrong level,
a name that is nearly right.
"""

import difflib

import msgspec

from backburner.core.exchange import Json
from backburner.dialects.gemini.fields import Message
from backburner.dialects.gemini.schema import MESSAGES
from backburner.dialects.report import quoted

_CONTENTS = 'Write "contents": [{"role": "user", "parts": [{"text": "..."}]}]'
_SYSTEM = 'Write "systemInstruction": {"parts": [{"text": "..."}]}, beside contents'
_WRAP = 'It belongs beside the request: {"key": "...", "request": {"contents": [...]}}'
_TOKENS = 'Write "generationConfig": {"maxOutputTokens": ...}'
_FORMAT = 'Write "generationConfig": {"responseMimeType": "application/json", "responseJsonSchema": {...}}'
_CONFIG = (
    "config is the SDK's word. On the wire, temperature and the other sampling fields, responseMimeType and "
    "the schemas stand in generationConfig; systemInstruction, tools, toolConfig, safetySettings and "
    "cachedContent stand beside contents"
)
_RAW_SCHEMA = "responseSchema knows a part of JSON Schema only; put a full schema into responseJsonSchema"
_OPENAI_TOOL = 'Write {"functionDeclarations": [{"name": "...", "parametersJsonSchema": {...}}]}'

_REQUEST_WORDS = {
    "messages": f'{_CONTENTS}; answers have role "model", and the system message goes to systemInstruction',
    "prompt": _CONTENTS,
    "input": _CONTENTS,
    "inputs": _CONTENTS,
    "text": _CONTENTS,
    "query": _CONTENTS,
    "content": _CONTENTS,
    "parts": _CONTENTS,
    "system": _SYSTEM,
    "system_prompt": _SYSTEM,
    "systemPrompt": _SYSTEM,
    "instructions": _SYSTEM,
    "config": _CONFIG,
    "generateContentConfig": _CONFIG,
    "parameters": _CONFIG,
    "key": _WRAP,
    "custom_id": _WRAP,
    "metadata": _WRAP,
    "request": "This is a request inside a request; leave out one of the two",
    "response_format": _FORMAT,
    "max_tokens": _TOKENS,
    "max_completion_tokens": _TOKENS,
    "stop": 'Write "generationConfig": {"stopSequences": ["..."]}',
    "n": 'Write "generationConfig": {"candidateCount": ...}',
    "top_logprobs": 'Write "generationConfig": {"responseLogprobs": true, "logprobs": ...}',
    "reasoning_effort": 'Write "generationConfig": {"thinkingConfig": {"thinkingLevel": "LOW"}}',
    "stream": "Leave it out; for streaming call :streamGenerateContent",
    "tool_choice": 'Write "toolConfig": {"functionCallingConfig": {"mode": "AUTO"}}',
    "functions": 'Write "tools": [{"functionDeclarations": [...]}]',
    "schema": _FORMAT,
}
_IN_CONFIG = {
    "max_tokens": "maxOutputTokens",
    "max_completion_tokens": "maxOutputTokens",
    "stop": "stopSequences",
}

WORDS: dict[str, dict[str, str]] = {
    "GenerateContentRequest": _REQUEST_WORDS,
    "GenerationConfig": {
        **{word: f"Write {name}" for word, name in _IN_CONFIG.items()},
        "n": "Write candidateCount",
        "top_logprobs": "Write responseLogprobs: true and logprobs",
        "schema": "Write responseSchema or responseJsonSchema",
        "mimeType": "Write responseMimeType",
        "mime_type": "Write responseMimeType",
        "system": _SYSTEM,
    },
    "Content": {
        "text": 'Write "parts": [{"text": "..."}]',
        "content": 'Write "parts": [{"text": "..."}]',
        "part": 'Write "parts": [...]',
        "name": "Leave it out; a content has role and parts only",
    },
    "Part": {
        "type": 'A part has no type; write {"text": "..."} or {"inlineData": {...}}',
        "content": 'Write {"text": "..."}',
        "role": "role belongs beside parts, in the content",
        "image_url": 'Write {"inlineData": {"mimeType": "image/png", "data": "<base64>"}} or a fileData part',
        "input_audio": 'Write {"inlineData": {"mimeType": "audio/wav", "data": "<base64>"}}',
        "fileUri": 'Write {"fileData": {"fileUri": "files/...", "mimeType": "..."}}',
        "file_uri": 'Write {"fileData": {"fileUri": "files/...", "mimeType": "..."}}',
        "mimeType": 'Write {"inlineData": {"mimeType": "...", "data": "<base64>"}}',
        "mime_type": 'Write {"inlineData": {"mimeType": "...", "data": "<base64>"}}',
    },
    "FileData": {"uri": "Write fileUri", "name": "Write fileUri", "fileId": "Write fileUri"},
    "Tool": {
        "type": _OPENAI_TOOL,
        "function": _OPENAI_TOOL,
        "name": _OPENAI_TOOL,
        "functions": _OPENAI_TOOL,
    },
    "FunctionDeclaration": {"strict": "Leave it out", "input_schema": "Write parametersJsonSchema"},
    "FunctionCall": {"arguments": "Write args, as an object rather than a string"},
    "FunctionResponse": {"content": "Write response, as an object", "output": "Write response, as an object"},
    "EmbedContentRequest": {
        "contents": 'One content per request: write "content": {"parts": [{"text": "..."}]}',
        "text": 'Write "content": {"parts": [{"text": "..."}]}',
        "input": 'Write "content": {"parts": [{"text": "..."}]}',
        "parts": 'Write "content": {"parts": [{"text": "..."}]}',
        "config": "taskType, title and outputDimensionality stand beside content",
        "embedContentConfig": "taskType, title and outputDimensionality stand beside content",
        "dimensions": "Write outputDimensionality",
        "key": _WRAP.replace('"contents": [...]', '"content": {...}'),
        "metadata": _WRAP.replace('"contents": [...]', '"content": {...}'),
    },
}
_INLINE = 'Write "inputConfig": {"requests": {"requests": [{"request": {...}, "metadata": {"key": "..."}}]}}'
_FILE = 'Write "inputConfig": {"fileName": "files/..."}'
WORDS["batch"] = {
    "src": f"src is the SDK's word. {_FILE}, or {_INLINE.removeprefix('Write ')}",
    "requests": _INLINE,
    "inlinedRequests": _INLINE,
    "inlined_requests": _INLINE,
    "contents": _INLINE,
    "fileName": _FILE,
    "file_name": _FILE,
    "input_file_id": _FILE,
    "config": "displayName stands in batch itself; what configures a request stands in the request",
    "dest": "Leave it out; the results come with the batch or in a file that it names",
    "generationConfig": "It belongs into each request: a batch has no defaults",
    "generation_config": "It belongs into each request: a batch has no defaults",
    "systemInstruction": "It belongs into each request: a batch has no defaults",
    "system_instruction": "It belongs into each request: a batch has no defaults",
}
WORDS["inputConfig"] = {
    "inlinedRequests": f"inlinedRequests is the SDK's word. {_INLINE}",
    "inlined_requests": f"inlined_requests is the SDK's word. {_INLINE}",
    "file": _FILE,
    "fileUri": _FILE,
    "file_uri": _FILE,
}
_JSON_SCHEMA_WORDS = (
    *("$schema", "$id", "$comment", "oneOf", "allOf", "not", "const", "if", "then", "else", "examples"),
    *("patternProperties", "uniqueItems", "multipleOf", "contains", "exclusiveMinimum", "exclusiveMaximum"),
    *("dependentRequired", "prefixItems", "definitions", "unevaluatedProperties", "propertyNames"),
)
WORDS["Schema"] = dict.fromkeys(_JSON_SCHEMA_WORDS, _RAW_SCHEMA)

_HOMES = (
    ("GenerateContentRequest", "at the top of the request, beside contents"),
    ("GenerationConfig", "in generationConfig"),
    ("ThinkingConfig", "in generationConfig.thinkingConfig"),
    ("FunctionCallingConfig", "in toolConfig.functionCallingConfig"),
    ("FunctionDeclaration", "in tools[].functionDeclarations[]"),
)
_MOVABLE = frozenset(
    ("GenerateContentRequest", "GenerationConfig", "ThinkingConfig", "ToolConfig", "Content", "Tool")
)


def unknown_hint(message: Message, name: str, value: Json) -> tuple[str, str]:
    """Why a name is refused, and what to write instead."""
    reason = f"unknown field {quoted(name)} in {message.name}"
    words = WORDS.get(message.name, {}).get(name)
    if words:
        return reason, words
    if message.name in _MOVABLE:
        for home, where in _HOMES:
            if home != message.name and name in MESSAGES[home].lookup:
                return reason, f"{MESSAGES[home].lookup[name][0]} belongs {where}"
    near = difflib.get_close_matches(name[:60], list(message.lookup), n=1, cutoff=0.72)
    if near:
        return reason, f"Did you mean {near[0]}?"
    return reason, f"Known fields: {', '.join(message.fields)}" if len(message.fields) <= 14 else ""


_SHAPES = {
    "Content": 'Write {"parts": [{"text": %s}]}',
    "Part": 'Write {"text": %s}',
    "[contents]": 'Write [{"parts": [{"text": %s}]}]',
    "[parts]": 'Write [{"text": %s}]',
    "GenerateContentRequest": 'Write {"contents": [{"parts": [{"text": %s}]}]}',
    "EmbedContentRequest": 'Write {"content": {"parts": [{"text": %s}]}}',
    "ThinkingConfig": 'Write {"thinkingLevel": "MINIMAL"} or {"thinkingBudget": 0}',
    "Schema": 'Write {"type": "STRING"}',
}
_SHORT = 60


def shape_hint(what: str, value: Json) -> str:
    """What to write where an object (by the name of its message) or a list (`[name]`) was expected and
    something else stands; with the caller's own words in it where they are short."""
    if what == "Content" and isinstance(value, list):
        return 'Write {"parts": [...]}'
    if what.startswith("[") and isinstance(value, dict):
        return f"Put it into a list: [{_own(value, '{...}')}]"
    words = _SHAPES.get(what)
    if words:
        return words % _own(value, '"..."') if "%s" in words else words
    if what.startswith("["):
        return f"Write it as a list: [{_own(value, '...')}]"
    if what == "{}" and isinstance(value, str) and value.startswith("{"):
        return "Write the object itself, not its text"
    return ""


def _own(value: Json, otherwise: str) -> str:
    if not isinstance(value, str | dict) or not value:
        return otherwise
    try:
        text = msgspec.json.encode(value).decode()
    except RecursionError:
        return otherwise
    return text if len(text) <= _SHORT else otherwise
