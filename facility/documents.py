"""TOML documents into strict models, with messages that a person can act on."""

import difflib
import tomllib
import types
import typing
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from facility.errors import KadoError, UsageError

M = TypeVar("M", bound=BaseModel)


def read_toml(path: Path, error: type[UsageError]) -> dict[str, Any]:
    """Read a TOML file.

    Raises
    ------
    error
        If it cannot be read or is not TOML.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as cause:
        raise error(f"{path} does not exist") from cause
    except (OSError, UnicodeDecodeError) as cause:
        raise error(f"{path} cannot be read: {cause}") from cause
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as cause:
        raise error(f"{path} is not valid TOML: {cause}") from cause


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
        raise error("\n".join(explain(cause, model, name))) from cause
    except KadoError as cause:
        raise error(f"{name}: {cause}") from cause


def explain(error: ValidationError, model: type[BaseModel], name: str) -> list[str]:
    """Return one line for each problem that pydantic found."""
    lines: list[str] = []
    for problem in error.errors(include_url=False):
        loc = problem["loc"]
        place = _place(_without_tags(model, loc))
        match problem["type"]:
            case "extra_forbidden":
                known = sorted(_names(model, loc[:-1]))
                near = difflib.get_close_matches(str(loc[-1]), known, n=1, cutoff=0.5)
                hint = f"did you mean {near[0]!r}?" if near else f"known here: {', '.join(known)}"
                lines.append(f"{name}: unknown key {place!r}; {hint}")
            case "missing":
                lines.append(f"{name}: {place!r} is missing")
            case "union_tag_invalid":
                context = problem.get("ctx", {})
                tag, known = context["tag"], context["expected_tags"].replace("'", "").split(", ")
                near = difflib.get_close_matches(tag, known, n=1, cutoff=0.5)
                hint = f"; did you mean {near[0]!r}?" if near else ""
                lines.append(f"{name}: {place}.kind = {tag!r} is none of {', '.join(known)}{hint}")
            case "union_tag_not_found":
                lines.append(f"{name}: '{place}.kind' is missing")
            case "value_error":
                text = str(problem["ctx"]["error"]) if "ctx" in problem else problem["msg"]
                lines.append(f"{name}: {place}: {text}" if place else f"{name}: {text}")
            case _:
                lines.append(f"{name}: {place} = {problem['input']!r}: {problem['msg']}")
    return lines


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
