"""Small pieces: a file says one thing, a function fits a screen, a line fits a window."""

import ast
import tomllib
from collections.abc import Iterable

from .source import REPO, tracked

FILE_LINES = 400
FUNCTION_LINES = 60
TEST_FUNCTION_LINES = 70
# What the linter says too; code is wrapped earlier by the formatter.
LINE_CHARS: int = tomllib.loads((REPO / "pyproject.toml").read_text())["tool"]["ruff"]["lint"]["pycodestyle"][
    "max-line-length"
]
# Written by others and kept as they are.
VERBATIM = ("examples/gemini_docs/", "examples/notebook.py", "examples/order_200.py")


def long_functions(tree: ast.Module, most: int) -> Iterable[tuple[str, int]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > most:
                yield node.name, lines


def oversized(name: str, text: str) -> list[str]:
    """What is too long in one Python file, in words."""
    wrong: list[str] = []
    lines = text.splitlines()
    if len(lines) > FILE_LINES:
        wrong.append(f"{name} has {len(lines)} lines, at most {FILE_LINES}: split it by what it says")
    most = TEST_FUNCTION_LINES if name.startswith("tests/") else FUNCTION_LINES
    for function, count in long_functions(ast.parse(text), most):
        wrong.append(f"{name}: {function} has {count} lines, at most {most}")
    for number, line in enumerate(lines, 1):
        if len(line) > LINE_CHARS:
            wrong.append(f"{name}:{number} has {len(line)} characters, at most {LINE_CHARS}")
    return wrong


def test_files_functions_and_lines_are_short() -> None:
    wrong: list[str] = []
    for path in tracked():
        name = str(path.relative_to(REPO))
        if path.suffix == ".py" and not name.startswith(VERBATIM):
            wrong += oversized(name, path.read_text())
    assert not wrong, "\n".join(wrong)


def test_what_is_too_long_is_seen() -> None:
    body = "    pass\n"
    assert oversized("src/a.py", "x = 1\n" * FILE_LINES) == []
    assert len(oversized("src/a.py", "x = 1\n" * (FILE_LINES + 1))) == 1
    assert oversized("src/a.py", "def f():\n" + body * (FUNCTION_LINES - 1)) == []
    assert len(oversized("src/a.py", "async def f():\n" + body * FUNCTION_LINES)) == 1
    assert oversized("tests/a.py", "def f():\n" + body * FUNCTION_LINES) == []
    assert len(oversized("tests/a.py", "def f():\n" + body * TEST_FUNCTION_LINES)) == 1
    assert oversized("src/a.py", "#" * LINE_CHARS) == []
    assert len(oversized("src/a.py", "#" * (LINE_CHARS + 1))) == 1
