"""Puts the bytes of our own files into a call, as data: URLs, just before it is made."""

import base64
from collections.abc import Callable

import msgspec

from backburner.core.errors import NotFound, TooLarge
from backburner.core.exchange import Call, Json
from backburner.core.lanes import Lanes
from backburner.core.limits import MEDIA_BYTES, MIB
from backburner.store.stores import Stores


async def fill(call: Call, find_blob: Callable[[str], str | None], stores: Stores, lanes: Lanes) -> Call:
    """The call with every placeholder replaced. `find_blob` gives the blob of a file id.

    Raises NotFound when a file is gone, TooLarge when the files of a call are more than MEDIA_BYTES: they are held
    in memory, for as many calls as there are slots.
    """
    if not call.media:
        return call
    data: dict[str, tuple[str, str]] = {}
    left_bytes = MEDIA_BYTES
    for ref in call.media:
        blob = await lanes.read.run(find_blob, ref.file_id)
        if blob is None:
            raise NotFound(f"files/{ref.file_id} does not exist or has expired. Upload it again")
        left_bytes -= stores.blobs.size_bytes(blob)
        if left_bytes < 0:
            raise TooLarge(
                f"the files of one request may have up to {MEDIA_BYTES // MIB} MiB together; "
                f"with files/{ref.file_id} these have more. Send smaller ones, or fewer"
            )
        content = await lanes.read.run(stores.blobs.read_range, blob, 0, stores.blobs.size_bytes(blob))
        data[ref.placeholder] = (ref.mime_type, base64.b64encode(content).decode())
    return msgspec.structs.replace(call, body=_filled(call.body, data, ""), media=())


def _filled(value: Json, data: dict[str, tuple[str, str]], name: str) -> Json:
    if isinstance(value, dict):
        return {key: _filled(item, data, key) for key, item in value.items()}
    if isinstance(value, list):
        return [_filled(item, data, name) for item in value]
    if isinstance(value, str) and value in data:
        mime_type, content = data[value]
        # OpenAI's input_audio.data is bare base64; image_url.url and file.file_data are data: URLs
        return content if name == "data" else f"data:{mime_type};base64,{content}"
    return value
