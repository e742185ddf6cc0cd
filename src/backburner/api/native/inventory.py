"""What there is besides jobs: engines, files, models, and the tenant's own keys."""

from starlette.responses import Response

from backburner.api.native import shapes
from backburner.api.native.bodies import EngineListBody, FileListBody, KeyListBody, ModelListBody
from backburner.api.native.call import Call, reply
from backburner.core.limits import FILE_PAGE_SIZE_MAX, PAGE_SIZE_DEFAULT, PAGE_SIZE_MAX


async def engines(call: Call) -> Response:
    return reply(
        EngineListBody([shapes.engine_body(card) for card in call.services.engines.list(call.tenant)])
    )


async def files(call: Call) -> Response:
    size = call.number("page_size", FILE_PAGE_SIZE_MAX) or PAGE_SIZE_DEFAULT
    page = await call.services.files.list(call.tenant, size, call.text("page_token"))
    return reply(FileListBody([shapes.file_body(row) for row in page.items], page.next_token))


async def models(call: Call) -> Response:
    size = call.number("page_size", PAGE_SIZE_MAX) or PAGE_SIZE_DEFAULT
    page = call.services.models.list(size, call.text("page_token"))
    return reply(ModelListBody([shapes.model_body(card) for card in page.items], page.next_token))


async def keys(call: Call) -> Response:
    rows = [row for row in await call.services.keys.list() if row.tenant == call.tenant]
    return reply(
        KeyListBody(call.tenant, call.services.keys.required, [shapes.key_body(row) for row in rows])
    )
