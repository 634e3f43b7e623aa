"""Collects the texts of kado from its code and keeps the .po files in step: ``make texts``.

A text belongs to the file of its folder (``kado/cli`` to ``ja/cli.po``), and stands once: where two folders have it,
in the first of them by name. What is new has an empty translation until somebody writes it.
"""

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Final

from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po, write_po
from jinja2 import Environment, nodes

ROOT: Final = Path(__file__).parents[2]
FOLDER: Final = ROOT / "kado" / "language" / "ja"
ROOMS: Final = ("kado", "facility", "storage", "analytics", "collector", "simulators")
CALLS: Final = {"tr": 1, "trn": 2, "marked": 1, "Sentence": 1}
"""The functions whose first arguments are texts, and how many of them."""

HEAD: Final = """\
# Japanese texts of kado. The English ones stand in the code; `make texts` adds what is new.
# Words of the field: docs/glossary.md."""


@dataclass(frozen=True)
class Found:
    """A text in the code: one form, or the forms for one and for many."""

    forms: tuple[str, ...]
    place: str

    @property
    def id(self) -> str | tuple[str, ...]:
        """As a catalogue names it."""
        return self.forms[0] if len(self.forms) == 1 else self.forms


def texts_of_code() -> Iterator[Found]:
    """Yield every literal text in the code of kado, those of templates too.

    Raises
    ------
    AssertionError
        Where a text is no literal, so that nobody could translate it.
    """
    for path in sorted(p for room in ROOMS for p in (ROOT / room).rglob("*.py")):
        yield from texts_of(path.read_text(encoding="utf-8"), str(path.relative_to(ROOT)))
    for path in sorted((ROOT / "kado" / "page" / "templates").rglob("*.html")):
        yield from texts_of_template(path.read_text(encoding="utf-8"), str(path.relative_to(ROOT)))


def texts_of(source: str, place: str) -> Iterator[Found]:
    """Yield the texts of one module."""
    module = ast.parse(source)
    for node in ast.walk(module):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
            continue
        if node.func.id in ("table", "facts"):
            yield from (Found((text,), place) for text in _headings(node, module))
        if count := CALLS.get(node.func.id):
            forms = [a.value for a in node.args[:count] if isinstance(a, ast.Constant) and isinstance(a.value, str)]
            assert forms or node.func.id != "Sentence", f"{place}:{node.lineno}: a Sentence is made of a literal"
            if len(forms) == count:
                yield Found(tuple(forms), place)


def texts_of_template(source: str, place: str) -> Iterator[Found]:
    """Yield the texts of one template of the page."""
    for call in Environment().parse(source).find_all(nodes.Call):
        if isinstance(call.node, nodes.Name) and (count := CALLS.get(call.node.name)):
            forms = [a.value for a in call.args[:count] if isinstance(a, nodes.Const) and isinstance(a.value, str)]
            if len(forms) == count:
                yield Found(tuple(forms), place)


def _headings(call: ast.Call, module: ast.Module) -> Iterator[str]:
    """Yield the literal headings of a table, or labels of facts; those too that a variable holds."""
    given = [*call.args, *(k.value for k in call.keywords)]
    variables = {n.id for argument in given for n in ast.walk(argument) if isinstance(n, ast.Name)}
    for argument in [*given, *_assigned(variables, module)]:
        for node in ast.walk(argument):
            if isinstance(node, (ast.List, ast.Tuple)):
                literals = [e.value for e in node.elts if isinstance(e, ast.Constant) and isinstance(e.value, str)]
                yield from (text for text in literals if len(text.strip()) > 1)


def _assigned(variables: set[str], module: ast.Module) -> Iterator[ast.expr]:
    """Yield what a module assigns to variables: lists of headings and labels, and what is added to them."""
    for node in ast.walk(module):
        targets = node.targets if isinstance(node, ast.Assign) else ()
        if isinstance(node, (ast.AnnAssign, ast.AugAssign)):
            targets = (node.target,)
        if isinstance(node, (ast.Assign, ast.AnnAssign, ast.AugAssign)) and node.value is not None:
            if any(isinstance(t, ast.Name) and t.id in variables for t in targets):
                yield node.value


def folder_of(place: str) -> str:
    """Return the name of the .po file that a text of a module belongs to."""
    parts = Path(place).parts
    if parts[0] != "kado":
        return parts[0]
    return parts[1] if len(parts) > 2 else "kado"


def all_texts() -> list[Found]:
    """Return every text once, at its first place."""
    from texts_of_data import texts_of_commands, texts_of_rooms

    found: dict[tuple[str, ...], Found] = {}
    for text in [*texts_of_code(), *texts_of_commands(), *texts_of_rooms()]:
        found.setdefault(text.forms, text)
    return list(found.values())


def read(path: Path) -> Catalog:
    """Read a .po file."""
    return read_po(BytesIO(path.read_bytes()), locale="ja")


def update() -> list[str]:
    """Add what is new to the .po files, take out what is gone, and return the texts that want a translation."""
    old = {m.id: m for path in FOLDER.glob("*.po") for m in read(path) if m.id}
    fresh: dict[str, Catalog] = {}
    missing: list[str] = []
    for text in all_texts():
        catalogue = fresh.setdefault(folder_of(text.place), Catalog(locale="ja", header_comment=HEAD))
        known = old.get(text.id)
        catalogue.add(
            text.id,
            None if known is None else known.string,
            auto_comments=[text.place],
            flags=set() if known is None else known.flags,
        )
        if known is None or not all([known.string] if isinstance(known.string, str) else known.string or [""]):
            missing.append(text.forms[0])
    for path in FOLDER.glob("*.po"):
        if path.stem not in fresh:
            path.unlink()
    for name, catalogue in fresh.items():
        written = BytesIO()
        write_po(written, catalogue, width=110, omit_header=True, sort_output=True)
        (FOLDER / f"{name}.po").write_text(f"{HEAD}\n\n" + written.getvalue().decode(), encoding="utf-8")
    return missing


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    wanted = update()
    print(*wanted, sep="\n")
    print(f"{len(wanted)} texts want a translation in {FOLDER}", file=sys.stderr)
