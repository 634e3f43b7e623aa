"""Every message of an error is a sentence that can be shown in the reader's language."""

import ast
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
ROOMS: Final = ("facility", "storage", "collector", "analytics", "simulators", "dashboards", "kado")
BARE_TEXTS: Final = 0
"""Places that raise a bare English text; this number may only go down."""


def _trees() -> dict[str, ast.Module]:
    return {
        str(path.relative_to(ROOT)): ast.parse(path.read_text(encoding="utf-8"))
        for room in ROOMS
        for path in sorted((ROOT / room).rglob("*.py"))
    }


def _error_classes(trees: dict[str, ast.Module]) -> dict[str, ast.ClassDef]:
    """Return `KadoError` and all classes below it, by name."""
    classes = [n for tree in trees.values() for n in ast.walk(tree) if isinstance(n, ast.ClassDef)]
    found = {"KadoError": next(c for c in classes if c.name == "KadoError")}
    while more := {
        c.name: c
        for c in classes
        if c.name not in found and any(isinstance(b, ast.Name) and b.id in found for b in c.bases)
    }:
        found |= more
    return found


def _is_bare_text(argument: ast.expr) -> bool:
    """Whether a text is put together on the spot; a `Sentence` may come from a variable or a function."""
    match argument:
        case ast.JoinedStr() | ast.BinOp() | ast.Constant(value=str()):
            return True
        case ast.Call(func=ast.Name(id="str")) | ast.Call(func=ast.Attribute(value=ast.Constant(value=str()))):
            return True
        case ast.IfExp(body=body, orelse=orelse):
            return _is_bare_text(body) or _is_bare_text(orelse)
        case _:
            return False


def _raises(tree: ast.Module, errors: set[str]) -> list[ast.Call]:
    """Return where errors are made: by name, and by `cls` and `super` in their own classes."""
    calls = [
        n for n in ast.walk(tree) if isinstance(n, ast.Call) and isinstance(n.func, ast.Name) and n.func.id in errors
    ]
    own = [c for c in ast.walk(tree) if isinstance(c, ast.ClassDef) and c.name in errors]
    inner = [n for c in own for n in ast.walk(c) if isinstance(n, ast.Call)]
    return [*calls, *(n for n in inner if ast.unparse(n.func) in ("cls", "super().__init__"))]


def test_every_error_is_raised_with_a_sentence_that_can_be_translated() -> None:
    trees = _trees()
    classes = set(_error_classes(trees))
    assert len(classes) > 30
    bare = [
        f"{path}:{call.lineno}: {ast.unparse(call)[:100]}"
        for path, tree in trees.items()
        # What a model of pydantic finds wrong is shown as part of a ConfigError or ProfileError.
        for call in _raises(tree, classes | ({"ValueError"} if "_validator(" in ast.unparse(tree) else set()))
        if any(_is_bare_text(argument) for argument in call.args)
    ]
    assert len(bare) <= BARE_TEXTS, "give each a Sentence (CONTRIBUTING, Texts in two languages):\n" + "\n".join(bare)
