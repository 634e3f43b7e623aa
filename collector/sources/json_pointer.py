"""JSON Pointers (RFC 6901): where in a document a value stands."""

from difflib import get_close_matches
from typing import Any, Final, cast

from facility.sentence import Sentence


class Missing:
    """Where a pointer leads nowhere."""


MISSING: Final = Missing()


def parse_pointer(text: str) -> tuple[str, ...]:
    """Return the steps of a pointer: ``/a~1b/0`` is key ``a/b``, then element 0.

    Raises
    ------
    ValueError
        If it is not a JSON Pointer.

    Examples
    --------
    >>> parse_pointer("/bl_fe_02u_mbs_1~1status/res/0/1")
    ('bl_fe_02u_mbs_1/status', 'res', '0', '1')
    """
    if text and not text.startswith("/"):
        raise ValueError(
            Sentence(
                "{text!r} is not a JSON Pointer: it begins with '/', and a '/' in a key is written '~1'", text=text
            )
        )
    steps = text.split("/")[1:]
    if any("~" in step.replace("~0", "").replace("~1", "") for step in steps):
        raise ValueError(
            Sentence("{text!r} is not a JSON Pointer: '~' in a key is written '~0', and '/' is written '~1'", text=text)
        )
    return tuple(step.replace("~1", "/").replace("~0", "~") for step in steps)


def follow(document: Any, steps: tuple[str, ...]) -> Any:
    """Return what a pointer leads to, `MISSING` if it leads nowhere; ``-`` is the last element of an array."""
    place = document
    for step in steps:
        if isinstance(place, dict):
            place = cast("dict[str, Any]", place).get(step, MISSING)
        elif isinstance(place, list):
            elements = cast("list[Any]", place)
            if step == "-":
                place = elements[-1] if elements else MISSING
            elif step.isascii() and step.isdigit() and int(step) < len(elements):
                place = elements[int(step)]
            else:
                return MISSING
        else:
            return MISSING
    return place


def where_it_ends(document: Any, steps: tuple[str, ...], most_keys: int = 8) -> str:
    """Return where in the document a pointer ends that leads nowhere, and the keys there, the most alike first.

    Examples
    --------
    >>> where_it_ends({"ring": {"current": 200.5, "mode": "user"}}, ("ring", "curent"))
    '/ring has the keys current, mode'
    >>> where_it_ends({"ring": [1, 2]}, ("ring", "5"))
    '/ring has 2 elements'
    """
    place, reached = document, 0
    while reached < len(steps) and (below := follow(place, steps[reached : reached + 1])) is not MISSING:
        place, reached = below, reached + 1
    at = "".join("/" + step.replace("~", "~0").replace("/", "~1") for step in steps[:reached]) or "the document"
    if isinstance(place, dict):
        keys = sorted(cast("dict[str, Any]", place))
        keys = [*dict.fromkeys([*get_close_matches(steps[reached], keys), *keys])]
        more = f" and {len(keys) - most_keys} more" if len(keys) > most_keys else ""
        return f"{at} has the keys {', '.join(keys[:most_keys])}{more}" if keys else f"{at} has no keys"
    if isinstance(place, list):
        return f"{at} has {len(cast('list[Any]', place))} elements"
    return f"{at} is a value without keys"
