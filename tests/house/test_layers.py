"""A room imports only the rooms below it, and no two modules need each other (docs/design.md, section 3).

Every import counts: inside functions, under TYPE_CHECKING, and through `importlib` with a literal name. A
dependency that is hidden is still one.
"""

import ast
from collections.abc import Iterable, Mapping
from graphlib import CycleError, TopologicalSorter

from .source import product

# From the door to the ground. Rooms on one line stand beside each other.
ORDER: tuple[tuple[str, ...], ...] = (
    ("__main__",),
    ("cli",),
    ("app",),
    ("house",),
    ("engine_room", "webhook_room"),
    ("config",),
    ("console",),
    ("api",),
    ("service",),
    ("work",),
    ("engines", "outbound"),
    ("store",),
    ("policy",),
    ("dialects",),
    ("core",),
    ("",),  # backburner itself: the version
)
HEIGHT = {room: -place for place, rooms in enumerate(ORDER) for room in rooms}


def name_of(path: str) -> str:
    """`api/app.py` is `backburner.api.app`; a package goes by its own name."""
    parts = ["backburner", *path.removesuffix(".py").split("/")]
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def room_of(module: str) -> str:
    return module.split(".")[1] if "." in module else ""


def imports_of(module: str, is_package: bool, tree: ast.Module) -> Iterable[tuple[int, str]]:
    """Every name of ours that a module imports, absolute, with its line."""
    package = module if is_package else module.rpartition(".")[0]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            origin = node.module or ""
            if node.level:
                above = package.split(".")[: len(package.split(".")) - node.level + 1]
                origin = ".".join([*above, origin] if origin else above)
            yield from ((node.lineno, f"{origin}.{alias.name}") for alias in node.names)
        elif isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if called in {"import_module", "__import__"} and isinstance(node.args[0].value, str):
                yield node.lineno, node.args[0].value


def dependencies(sources: Mapping[str, ast.Module]) -> dict[str, dict[str, int]]:
    """For each module the modules of ours that it imports, and the line where it does."""
    known = {name_of(path) for path in sources}
    graph: dict[str, dict[str, int]] = {}
    for path, tree in sources.items():
        module = name_of(path)
        needed = graph.setdefault(module, {})
        for line, name in imports_of(module, path.endswith("__init__.py"), tree):
            if name.split(".")[0] != "backburner":
                continue
            while name not in known and "." in name:  # a class or function: the module that holds it
                name = name.rpartition(".")[0]
            if name != module:
                needed.setdefault(name, line)
    return graph


def upward(graph: Mapping[str, Mapping[str, int]]) -> list[str]:
    wrong: list[str] = []
    for module, needed in graph.items():
        for other, line in needed.items():
            mine, its = room_of(module), room_of(other)
            if mine != its and HEIGHT[its] > HEIGHT[mine]:
                wrong.append(f"{module}:{line} imports {other}, but {its} stands above {mine}")
    return wrong


def cycle(graph: Mapping[str, Mapping[str, int]]) -> list[str]:
    """The modules of one cycle in their order, or nothing."""
    try:
        list(TopologicalSorter({module: set(needed) for module, needed in graph.items()}).static_order())
    except CycleError as found:
        return list(found.args[1])
    return []


def test_every_room_has_its_place() -> None:
    rooms = {room_of(name_of(path)) for path in product()}
    assert rooms <= set(HEIGHT), f"give these a place in ORDER: {sorted(rooms - set(HEIGHT))}"


def test_no_room_imports_a_room_above_it() -> None:
    wrong = upward(dependencies(product()))
    assert not wrong, "\n".join(wrong)


def test_no_module_needs_itself_through_others() -> None:
    assert cycle(dependencies(product())) == []


def planted(**sources: str) -> dict[str, dict[str, int]]:
    return dependencies(
        {f"{name.replace('__', '/')}.py": ast.parse(text) for name, text in sources.items()},
    )


def test_an_upward_import_is_seen_however_it_is_hidden() -> None:
    hidden = (
        "from backburner.api import app",
        "import backburner.api.app",
        "from ..api.app import build",
        "def later():\n    from backburner.api.app import build",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from backburner.api.app import build",
        "import importlib\nimportlib.import_module('backburner.api.app')",
    )
    for text in hidden:
        graph = planted(store__ledger=text, api__app="", api____init__="", store____init__="")
        assert len(upward(graph)) == 1, text
    assert upward(planted(api__app="from backburner.store import ledger", store__ledger="")) == []


def test_a_cycle_is_seen() -> None:
    there = "from backburner.core.b import b"
    assert cycle(planted(core__a=there, core__b="def late():\n    from .a import a")) != []
    assert cycle(planted(core__a=there, core__b="")) == []
