"""Parts that are not text: how an image, a sound, a film or a document stands in an OpenAI chat body.

Bytes given inline go in as they are; a file of ours goes in as a placeholder with a MediaRef, to be replaced
just before the call; anything else is refused in words, because this server fetches nothing from elsewhere.
"""

import base64

from backburner.core.errors import Code
from backburner.core.exchange import Feature, Json, MediaRef
from backburner.core.names import file_id_of
from backburner.dialects.gemini.walk import standard_base64
from backburner.dialects.protocol import Refusal

_TEXT_LIKE = frozenset(("application/json", "application/xml", "application/x-ndjson", "application/jsonl"))


class NotCallable(Exception):
    """A part that cannot become an engine call; carries the refusal."""

    def __init__(self, message: str, code: Code = Code.INVALID_ARGUMENT) -> None:
        super().__init__(message)
        self.refusal = Refusal(code, message)


def inline_part(blob: dict[str, Json]) -> tuple[dict[str, Json], Feature | None]:
    mime = _bare(blob["mimeType"])
    data = standard_base64(blob["data"]) or b""
    if mime.startswith("text/") or mime in _TEXT_LIKE:
        return {"type": "text", "text": base64.b64decode(data).decode("utf-8", "replace")}, None
    return media_part(mime, f"data:{mime};base64,{data.decode()}", blob.get("displayName", ""))


def file_part(file: dict[str, Json], number: int) -> tuple[dict[str, Json], Feature | None, MediaRef]:
    uri = file["fileUri"]
    file_id = file_id_of(uri)
    if file_id is None:
        raise NotCallable(
            f"fileData.fileUri {uri[:120]!r} names no file of this server, and nothing is fetched from elsewhere. "
            "Upload it with the Files API and write its name, files/<id>"
        )
    mime = _bare(file.get("mimeType", ""))
    if not mime:
        raise NotCallable(f"fileData of {uri[:120]!r} has no mimeType. Add it, for example image/png")
    placeholder = f"backburner-media:{number}:files/{file_id}"
    part, feature = media_part(mime, placeholder, file.get("displayName", "") or file_id)
    return part, feature, MediaRef(file_id, mime, placeholder)


def media_part(mime: str, url: str, name: str) -> tuple[dict[str, Json], Feature]:
    """The chat part for media at a data: URL (or a placeholder that becomes one)."""
    family = mime.partition("/")[0]
    if family == "image":
        return {"type": "image_url", "image_url": {"url": url}}, Feature.IMAGES
    if family == "video":
        return {"type": "video_url", "video_url": {"url": url}}, Feature.VIDEO
    if family == "audio":
        # OpenAI wants bare base64 here and a data: URL everywhere else
        data = url.partition(";base64,")[2] if url.startswith("data:") else url
        return {"type": "input_audio", "input_audio": {"data": data, "format": _audio(mime)}}, Feature.AUDIO
    if mime == "application/pdf" or family == "text" or mime in _TEXT_LIKE:
        file = {"filename": name or "document.pdf", "file_data": url}
        return {"type": "file", "file": file}, Feature.DOCUMENTS
    raise NotCallable(
        f"media of type {mime!r} cannot be passed on; known are image, audio, video, text and PDF"
    )


def _audio(mime: str) -> str:
    kind = mime.partition("/")[2].removeprefix("x-")
    return {"mpeg": "mp3", "mpga": "mp3", "wave": "wav", "vnd.wave": "wav", "mp4": "m4a"}.get(kind, kind)


def _bare(mime: str) -> str:
    return mime.partition(";")[0].strip().lower()
