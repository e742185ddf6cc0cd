"""What to do with a body at each endpoint: the call it becomes, and the answer it gets."""

from collections.abc import Callable

import msgspec

from backburner.core.exchange import Answer, Call, Json
from backburner.dialects.openai.answers import chat_body
from backburner.dialects.openai.chat import chat_call
from backburner.dialects.openai.completions import completion_body, completion_call
from backburner.dialects.openai.embeddings import embedding_body, embedding_call
from backburner.dialects.openai.endpoints import CHAT, COMPLETIONS, EMBEDDINGS, RESPONSES
from backburner.dialects.openai.response_answers import response_body
from backburner.dialects.openai.responses import response_call
from backburner.dialects.protocol import Refusal, Setting, Stamp

Asked = dict[str, Json]


class Endpoint(msgspec.Struct, frozen=True):
    """`body` is None when what the engine sent holds no answer."""

    call: Callable[[Asked, Setting], Call | Refusal]
    body: Callable[[Answer, Asked, Stamp], Asked | None]


def _chat_body(answer: Answer, asked: Asked, stamp: Stamp) -> Asked | None:
    return chat_body(answer, stamp)


def _embedding_body(answer: Answer, asked: Asked, stamp: Stamp) -> Asked | None:
    return embedding_body(answer, asked)


ENDPOINTS = {
    CHAT: Endpoint(chat_call, _chat_body),
    COMPLETIONS: Endpoint(completion_call, completion_body),
    EMBEDDINGS: Endpoint(embedding_call, _embedding_body),
    RESPONSES: Endpoint(response_call, response_body),
}
