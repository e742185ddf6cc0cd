"""A queue in which tenants take turns: who puts in a thousand things does not stand before who puts in one."""

from collections import deque
from typing import Generic, TypeVar

T = TypeVar("T")


class Rotation(Generic[T]):
    def __init__(self) -> None:
        self._waiting: dict[str, deque[T]] = {}  # by tenant, the one whose turn is next first

    def put(self, tenant: str, item: T) -> None:
        self._waiting.setdefault(tenant, deque()).append(item)

    def take(self) -> T | None:
        """The oldest thing of the tenant whose turn it is; None when there is nothing."""
        tenant = next(iter(self._waiting), None)
        if tenant is None:
            return None
        mine = self._waiting.pop(tenant)
        item = mine.popleft()
        if mine:
            self._waiting[tenant] = mine  # behind the others
        return item
