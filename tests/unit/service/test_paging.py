import base64
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backburner.core.errors import InvalidArgument
from backburner.service import paging


@dataclass(frozen=True)
class Item:
    id: str
    created_at: float


def fetch(items: list[Item]):  # type: ignore[no-untyped-def]
    """As the stores do it: newest first, by id among those of one instant."""
    ordered = sorted(items, key=lambda x: (-x.created_at, x.id))

    def page(limit: int, before: tuple[float, str] | None) -> list[Item]:
        if before is None:
            return ordered[:limit]
        return [x for x in ordered if (-x.created_at, x.id) > (-before[0], before[1])][:limit]

    return page


items = st.lists(
    st.builds(Item, st.text("abc", min_size=1, max_size=4), st.sampled_from([1.0, 1.5, 2.0])),
    unique_by=lambda x: x.id,
    max_size=12,
)


@given(items, st.integers(1, 6))
def test_pages_give_everything_once_in_order_and_none_is_empty(found: list[Item], count: int) -> None:
    seen: list[Item] = []
    token = ""
    while True:
        page = paging.page(fetch(found), count, token)
        seen += page.items
        assert len(page.items) <= count
        assert page.items or not found
        token = page.next_token
        if not token:
            break
    assert seen == sorted(found, key=lambda x: (-x.created_at, x.id))


@pytest.mark.parametrize(("asked", "size"), [(None, 50), (0, 50), (7, 7), (1000, 1000), (10**9, 1000)])
def test_a_size_has_a_default_and_a_most(asked: int | None, size: int) -> None:
    assert paging.size(asked, 50, 1000) == size


def test_a_negative_size_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="pageSize is negative"):
        paging.size(-1, 50, 1000)


@pytest.mark.parametrize(
    "forged",
    [
        "x",
        "ä",
        "%%%",
        "a" * 10_000,
        *(
            base64.urlsafe_b64encode(text).decode()
            for text in (
                b"[]",
                b'["a", 1]',
                b"[1]",
                b"null",
                b'{"a":1}',
                b"[1e999, 1]",
                b"\xff",
                b"[" * 9999,
            )
        ),
    ],
)
def test_a_token_we_did_not_make_is_refused(forged: str) -> None:
    with pytest.raises(InvalidArgument, match="pageToken is not one of ours"):
        paging.decode(forged)
