"""TOML documents into strict models, with messages that a person can act on."""

import difflib
import re
import tomllib
import types
import typing
from pathlib import Path
from typing import Any, Final, TypeVar, cast

from pydantic import BaseModel, ValidationError

from facility.errors import KadoError, UsageError
from facility.nearest import nearest
from facility.sentence import Sentence
from facility.wrong_value import wrong_value

M = TypeVar("M", bound=BaseModel)

MAX_BYTES = 1 << 20
"""Largest file that is read."""
MAX_LINE_LENGTH = 10_000
MAX_DEPTH = 40
"""Parts of a dotted key, and tables and arrays in each other; kado's own documents have 4."""
_TWICE: Final = re.compile(r"Cannot declare (.*) twice \(at line (\d+), .*")
_DEEP_KEY = re.compile(rf"""(?<![\w"'-])(?:[\w"'-]+[ \t]*\.[ \t]*){{{MAX_DEPTH}}}""")
_SHOWN_INPUT = 200
_SHOWN_PROBLEMS = 50


def read_toml(path: Path, error: type[UsageError], max_bytes: int = MAX_BYTES) -> dict[str, Any]:
    """Read a TOML file.

    Raises
    ------
    error
        If it cannot be read, is not TOML, or is larger or deeper than any document of kado's.
    """
    try:
        with path.open("rb") as file:
            data = file.read(max_bytes + 1)
    except FileNotFoundError as cause:
        raise error(f"{path} does not exist") from cause
    except OSError as cause:
        raise error(f"{path} cannot be read: {cause.strerror}") from cause
    if len(data) > max_bytes:
        raise error(f"{path} is larger than the {max_bytes:,} bytes that are read")
    try:
        text = data.decode()
    except UnicodeDecodeError as cause:
        line = data.count(b"\n", 0, cause.start) + 1
        raise error(f"{path}: line {line} is not UTF-8 (byte {data[cause.start]:#04x}): save it as UTF-8") from cause
    # Editors of Windows begin a file with a byte order mark.
    return parse_toml(text.removeprefix("\ufeff"), str(path), error)


def parse_toml(text: str, name: str, error: type[UsageError]) -> dict[str, Any]:
    """Parse TOML; `name` is what to call it in messages.

    Raises
    ------
    error
        If it is not TOML, or has lines longer or tables deeper than any document of kado's.
    """
    for number, line in enumerate(text.split("\n"), 1):
        if len(line) > MAX_LINE_LENGTH:
            raise error(f"{name}: line {number} has {len(line):,} characters, more than {MAX_LINE_LENGTH:,}")
        if _DEEP_KEY.search(line):
            raise error(f"{name}: line {number} has a key of more than {MAX_DEPTH} parts")
    try:
        document = tomllib.loads(text.replace("\r\n", "\n"))
    except (ValueError, RecursionError) as cause:  # Also an integer of thousands of digits.
        twice = _TWICE.fullmatch(str(cause))
        if twice is not None:
            table, line = ".".join(re.findall(r"'([^']*)'", twice[1])), twice[2]
            raise error(
                f"{name}: the table [{table}] of line {line} stands there already: put its keys into the first one"
            ) from cause
        raise error(f"{name} is not valid TOML: {cause}") from cause
    if _depth(document) > MAX_DEPTH:
        raise error(f"{name}: tables and arrays lie more than {MAX_DEPTH} deep in each other")
    return document


def _depth(document: dict[str, Any]) -> int:
    depth, level = 0, [list(document.values())]
    while level and depth <= MAX_DEPTH:
        depth += 1
        level = [inner for values in level for value in values if (inner := _values(value)) is not None]
    return depth


def _values(value: object) -> list[Any] | None:
    """Return what lies in a table or an array; None for a single value."""
    if isinstance(value, dict):
        return list(cast("dict[str, Any]", value).values())
    return cast("list[Any]", value) if isinstance(value, list) else None


def build(model: type[M], document: dict[str, Any], name: str, error: type[UsageError]) -> M:
    """Make a model of a document; `name` says in messages which document it was.

    Raises
    ------
    error
        With a line for each key that is unknown (and the nearest right one), missing or wrong.
    """
    try:
        return model.model_validate(document)
    except ValidationError as cause:
        raise error(Sentence.joined(explain(cause, model, name))) from cause
    except KadoError as cause:
        raise error(f"{name}: {cause}") from cause


def explain(error: ValidationError, model: type[BaseModel], name: str) -> list[Sentence]:
    """Return one line for each problem that pydantic found."""
    lines: list[Sentence] = []
    problems = error.errors(include_url=False)
    for problem in problems[:_SHOWN_PROBLEMS]:
        loc = problem["loc"]
        place = _place(_without_tags(model, loc))
        match problem["type"]:
            case "extra_forbidden":
                hint = nearest(str(loc[-1]), sorted(_names(model, loc[:-1])))
                lines.append(Sentence("{name}: unknown key {key!r}; {hint}", name=name, key=place, hint=hint))
            case "missing":
                lines.append(Sentence("{name}: {key!r} is missing", name=name, key=place))
            case "union_tag_invalid":
                context = problem.get("ctx", {})
                known = context["expected_tags"].replace("'", "").split(", ")
                wrong_kind = Sentence(
                    "{name}: {place}.kind = {tag!r} is not one of {known}",
                    name=name,
                    place=place,
                    tag=context["tag"],
                    known=", ".join(known),
                )
                near = difflib.get_close_matches(context["tag"], known, n=1, cutoff=0.5)
                if near:
                    wrong_kind = Sentence("{wrong}; did you mean {word!r}?", wrong=wrong_kind, word=near[0])
                lines.append(wrong_kind)
            case "union_tag_not_found":
                lines.append(Sentence("{name}: {key!r} is missing", name=name, key=f"{place}.kind"))
            case "value_error":
                wrong: object = problem["ctx"]["error"] if "ctx" in problem else problem["msg"]
                lines.append(
                    Sentence("{name}: {place}: {problem}", name=name, place=place, problem=wrong)
                    if place
                    else Sentence("{name}: {problem}", name=name, problem=wrong)
                )
            case _:
                lines.append(
                    Sentence(
                        "{name}: {place} = {value}: {problem}",
                        name=name,
                        place=place,
                        value=_shown(problem["input"]),
                        problem=wrong_value(problem["type"], problem["msg"], problem.get("ctx", {})),
                    )
                )
    if len(problems) > _SHOWN_PROBLEMS:
        lines.append(Sentence("{name}: and {n:,} more", name=name, n=len(problems) - _SHOWN_PROBLEMS))
    return lines


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN_INPUT else f"{text[:_SHOWN_INPUT]}..."


def _place(loc: tuple[int | str, ...]) -> str:
    text = ""
    for part in loc:
        text += f"[{part + 1}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def _without_tags(model: type[BaseModel], loc: tuple[int | str, ...]) -> tuple[int | str, ...]:
    """Return a place as it stands in the document, without the tags that a union adds to it."""
    kept = [
        part
        for i, part in enumerate(loc)
        if isinstance(part, int) or i == len(loc) - 1 or part in _names(model, loc[:i])
    ]
    return tuple(kept)


def _names(model: type[BaseModel], loc: tuple[int | str, ...]) -> set[str]:
    """Return the keys allowed at a place; parts of `loc` that are no field (a union's tag) are passed over."""
    candidates = [model]
    for part in loc:
        if isinstance(part, int):
            continue
        inner = [
            found
            for candidate in candidates
            for key, field in candidate.model_fields.items()
            if part in (key, field.alias)
            for found in _models_in(field.annotation)
        ]
        candidates = inner or [c for c in candidates if _has_tag(c, part)] or candidates
    return {field.alias or key for candidate in candidates for key, field in candidate.model_fields.items()}


def _has_tag(model: type[BaseModel], tag: str) -> bool:
    kind = model.model_fields.get("kind")
    return kind is not None and tag in typing.get_args(kind.annotation)


def _models_in(annotation: object) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and not isinstance(annotation, types.GenericAlias):
        return [annotation] if issubclass(annotation, BaseModel) else []
    return [m for arg in typing.get_args(annotation) for m in _models_in(arg)]
