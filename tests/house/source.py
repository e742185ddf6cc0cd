"""The project's own files, as the house rules read them."""

import ast
import subprocess
from collections.abc import Iterator
from pathlib import Path

REPO = Path(__file__).resolve().parents[2]
SRC = REPO / "src" / "backburner"
SKIPPED = {".venv", ".cache", ".git", "node_modules", "__pycache__"}


def tracked() -> list[Path]:
    """Every file that is in the repository or about to be; without git, every file that is no cache."""
    asked = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=REPO,
        capture_output=True,
        text=True,
        check=False,
    )
    if asked.returncode == 0:
        found = [REPO / name for name in asked.stdout.split("\0") if name]
    else:
        found = [path for path in REPO.rglob("*") if not SKIPPED.intersection(path.relative_to(REPO).parts)]
    return sorted(path for path in found if path.is_file())


def product() -> dict[str, ast.Module]:
    """The modules of the product: path below src/backburner, and its syntax tree."""
    return {str(path.relative_to(SRC)): ast.parse(path.read_text()) for path in sorted(SRC.rglob("*.py"))}


def dotted(node: ast.expr) -> str:
    """`a.b.c` for a chain of attributes on a name, else an empty string."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        inner = dotted(node.value)
        return f"{inner}.{node.attr}" if inner else ""
    return ""


def imported_names(tree: ast.Module) -> dict[str, str]:
    """What each imported name in a module stands for: `{"sleep": "time.sleep", "dt": "datetime"}`."""
    names: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                names[alias.asname or alias.name.split(".")[0]] = (
                    alias.name if alias.asname else alias.name.split(".")[0]
                )
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for alias in node.names:
                names[alias.asname or alias.name] = f"{node.module}.{alias.name}"
    return names


def uses(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Every imported thing a module touches, by its full name, with the line: `(12, "time.sleep")`."""
    names = imported_names(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute | ast.Name):
            chain = dotted(node)
            head, _, rest = chain.partition(".")
            if head in names:
                yield node.lineno, f"{names[head]}.{rest}" if rest else names[head]
