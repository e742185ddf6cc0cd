"""How many tokens of a prompt the runtime takes from its cache instead of computing them: at least so many.

The runtime does not say. But its rule is known and simple: prompts are kept in blocks of 32 tokens, found
again by everything up to the block's end, and given up least recently used first when the pool is full. We
keep the same account and err to one side only: a block counts as there once its sequence has produced a
token, it ages from when that sequence came, and every sequence is charged for the longest answer it may
give. So what is reported was certainly reused. The real test measures the time that it saves.
"""

from collections import OrderedDict

BLOCK_TOKENS = 32
SPARE = 0.1  # of the pool: not relied on


class Prefixes:
    def __init__(self, blocks: int) -> None:
        self.total = blocks
        self._most = int(blocks * (1 - SPARE))
        self._blocks: OrderedDict[int, bool] = OrderedDict()  # by age: is it computed?
        self._dummies = 0

    def enter(self, ids: list[int], answer_tokens: int) -> tuple[int, list[int]]:
        """A prompt comes in: how many of its tokens are there, and the names of its blocks."""
        names = _names(ids)
        there = self._there(names)
        for name in names:
            self._blocks.setdefault(name, False)
            self._blocks.move_to_end(name)
        for _ in range(answer_tokens // BLOCK_TOKENS + 2):  # the unfinished block of the prompt, too
            self._dummies += 1
            self._blocks[-self._dummies] = False
        while len(self._blocks) > self._most:
            self._blocks.popitem(last=False)
        return min(there * BLOCK_TOKENS, len(ids) - 1), names

    def wanted(self, ids: list[int], answer_tokens: int) -> int:
        """The blocks that a prompt and its answer will take beside those that are there."""
        return -(-(len(ids) + answer_tokens) // BLOCK_TOKENS) - self._there(_names(ids))

    def _there(self, names: list[int]) -> int:
        for there, name in enumerate(names):
            if not self._blocks.get(name, False):
                return there
        return len(names)

    def computed(self, names: list[int]) -> None:
        """The sequence has produced a token, so its prompt is in the cache."""
        for name in names:
            if name in self._blocks:
                self._blocks[name] = True


def _names(ids: list[int]) -> list[int]:
    """One name for each full block, that stands for the block and all before it. Never negative."""
    names: list[int] = []
    name = 0
    for end in range(BLOCK_TOKENS, len(ids) + 1, BLOCK_TOKENS):
        name = hash((name, *ids[end - BLOCK_TOKENS : end])) & ((1 << 62) - 1)
        names.append(name)
    return names
