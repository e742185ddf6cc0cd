"""Rows of the store as the views that the dialect renders."""

from backburner.core.exchange import Json
from backburner.dialects.gemini.resources import (
    CacheView,
    FileView,
    ModelView,
    cache_object,
    file_object,
    model_object,
)
from backburner.service.models import ModelCard
from backburner.store.caches import CacheRow
from backburner.store.files import FileRow, FileSource


def file_body(row: FileRow, base_url: str) -> dict[str, Json]:
    view = FileView(
        id=row.id,
        mime_type=row.mime_type,
        size_bytes=row.size_bytes,
        created_at=row.created_at,
        updated_at=row.updated_at,
        expire_at=row.expire_at,
        display_name=row.display_name,
        sha256=row.sha256,
        generated=row.source is FileSource.GENERATED,
    )
    return file_object(view, base_url)


def cache_body(row: CacheRow) -> dict[str, Json]:
    return cache_object(
        CacheView(
            id=row.id,
            model=row.model,
            created_at=row.created_at,
            updated_at=row.updated_at,
            expire_at=row.expire_at,
            display_name=row.display_name,
            tokens=row.tokens,
        )
    )


def model_body(card: ModelCard) -> dict[str, Json]:
    return model_object(
        ModelView(
            id=card.id,
            version=card.served_by,
            display_name=card.display_name,
            description=card.description,
            input_tokens=card.input_tokens,
            output_tokens=card.output_tokens,
            chat=card.chat,
            embed=card.embed,
        )
    )
