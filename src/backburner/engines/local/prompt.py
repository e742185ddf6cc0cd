"""Messages as a small model's chat template knows them: roles system, user and assistant, plain text.

What the templates lack is written into the text: declared functions into the system message, earlier calls
into the assistant's, their results into a user's.
"""

from typing import Any

from backburner.engines.local import tools
from backburner.engines.local.asked import WrongBody, text_of

Message = dict[str, str]


def messages_of(body: dict[str, Any]) -> list[Message]:
    """The conversation to be put through the template. Raises WrongBody."""
    messages: list[Message] = []
    for number, message in enumerate(body.get("messages") or ()):
        messages.append(_message(message, f"messages[{number}]"))
    if not messages:
        raise WrongBody("messages: expected at least one message, found none")
    choice = tools.choice_of(body)
    if choice is not tools.Choice.NONE:
        named = tools.named_of(body)
        offered = [tool for tool in tools.declared_of(body) if tool.name in named]
        _instruct(messages, tools.instructions(offered, choice))
    return messages


def _message(message: dict[str, Any], path: str) -> Message:
    role = message.get("role", "user")
    text = text_of(message.get("content"), path)
    match role:
        case "system" | "developer":
            return {"role": "system", "content": text}
        case "user":
            return {"role": "user", "content": text}
        case "assistant":
            calls = [tools.call_text(call) for call in message.get("tool_calls") or ()]
            return {"role": "assistant", "content": "\n".join([*filter(None, [text]), *calls])}
        case "tool" | "function":
            return {"role": "user", "content": f"<tool_response>\n{text}\n</tool_response>"}
        case _:
            raise WrongBody(f"{path}.role: expected system, user, assistant or tool, found {role!r}")


def _instruct(messages: list[Message], text: str) -> None:
    """Adds to the system message, or puts one in front."""
    if messages[0]["role"] == "system":
        messages[0] = {"role": "system", "content": f"{messages[0]['content']}\n\n{text}"}
    else:
        messages.insert(0, {"role": "system", "content": text})
