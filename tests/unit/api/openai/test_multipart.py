"""A form is read as it comes, in pieces of any size, with its file before or behind the other fields."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from starlette.requests import Request

from backburner.api.openai.multipart import FilePart, Form
from backburner.core.errors import InvalidArgument, TooLarge
from tests.golden import captured

UPLOADS = [one for one in captured("openai") if one["call"] == "files.create"]


def request(body: bytes, content_type: str, piece_bytes: int = 10**9) -> Request:
    async def pieces() -> AsyncIterator[dict[str, Any]]:
        for at in range(0, len(body), piece_bytes):
            yield {"type": "http.request", "body": body[at : at + piece_bytes], "more_body": True}
        yield {"type": "http.request", "body": b"", "more_body": False}

    stream = pieces()

    async def receive() -> Any:
        return await anext(stream)

    return Request({"type": "http", "headers": [(b"content-type", content_type.encode())]}, receive)


async def read(form: Form) -> tuple[FilePart | None, bytes, dict[str, str]]:
    part = await form.file()
    content = b"".join([piece async for piece in form.content()]) if part else b""
    await form.rest()
    return part, content, form.fields


@pytest.mark.parametrize("piece_bytes", [1, 7, 64, 10**9])
@pytest.mark.parametrize("upload", UPLOADS, ids=lambda one: one["client"])
async def test_every_captured_upload_is_understood(upload: dict[str, Any], piece_bytes: int) -> None:
    content_type = next(value for name, value in upload["headers"].items() if name.lower() == "content-type")
    part, content, fields = await read(Form(request(upload["body"].encode(), content_type, piece_bytes)))
    assert part == FilePart("a.jsonl", "application/octet-stream")
    assert content == b"{}\n"
    assert fields["purpose"] == "batch"
    if upload["client"] != "js-7.55.0":
        assert fields["expires_after[seconds]"] == "3600"


def form(*parts: tuple[str, bytes], cut: int = 0) -> Form:
    """`parts` are Content-Disposition and content."""
    body = b"".join(b"--B\r\nContent-Disposition: %s\r\n\r\n%s\r\n" % (d.encode(), c) for d, c in parts)
    body += b"--B--\r\n"
    return Form(request(body[: len(body) - cut], "multipart/form-data; boundary=B", 50))


FILE = ('form-data; name="file"; filename="a"', b"x" * 500)
PURPOSE = ('form-data; name="purpose"', b"batch")


async def test_a_file_of_many_pieces() -> None:
    content = bytes(range(256)) * 40 + b"\r\n--A\r\n"
    _, found, fields = await read(form((FILE[0], content), PURPOSE))
    assert found == content
    assert fields == {"purpose": "batch"}


async def test_a_form_without_a_file() -> None:
    assert (await read(form(PURPOSE)))[0] is None


@pytest.mark.parametrize("cut", [5, 100, 400])
async def test_an_upload_that_breaks_off_is_no_upload(cut: int) -> None:
    with pytest.raises(InvalidArgument, match="ended"):
        await read(form(PURPOSE, FILE, cut=cut))


async def test_two_files_are_one_too_many() -> None:
    with pytest.raises(InvalidArgument, match="one file"):
        await read(form(FILE, FILE))


async def test_a_field_is_not_a_file() -> None:
    with pytest.raises(TooLarge, match="purpose"):
        await read(form((PURPOSE[0], b"x" * 100_000), FILE))


@pytest.mark.parametrize(
    "content_type", ["application/json", "multipart/form-data", "", "multipart/related; boundary=B"]
)
def test_what_is_no_form_is_refused(content_type: str) -> None:
    with pytest.raises(InvalidArgument, match="multipart/form-data"):
        Form(request(b"", content_type))
