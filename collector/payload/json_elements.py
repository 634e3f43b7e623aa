"""The elements of a JSON array as they were written, also where one of them is not JSON."""

import re
from typing import Final

# A string, a bracket, a comma, or a stretch without any of them.
_TOKEN: Final = re.compile(rb'"(?:[^"\\]|\\.)*"|[\[\]{},]|[^"\[\]{},]+', re.DOTALL)


def array_elements(payload: bytes) -> list[bytes] | None:
    """Split the text of an array at its commas.

    Some publishers write NaN, which is no JSON: then no JSON reader gives the array's other elements.

    Returns
    -------
    list of bytes or None
        The text of each element, without white space around it; None if the text is not an array whose brackets
        and quotes are in pairs.

    Examples
    --------
    >>> array_elements(b'[1, {"a": [NaN, 2]}]')
    [b'1', b'{"a": [NaN, 2]}']
    >>> array_elements(b'[1, 2')
    """
    text = payload.strip()
    if not text.startswith(b"[") or not text.endswith(b"]"):
        return None
    elements: list[bytes] = []
    depth, start, position = 0, 1, 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            return None
        token, position = match[0], match.end()
        if token in b"[{":
            depth += 1
        elif token in b"]}":
            depth -= 1
            if depth == 0:
                break
        elif token == b"," and depth == 1:
            elements.append(text[start : match.start()].strip())
            start = position
    if depth or position != len(text):
        return None
    last = text[start:-1].strip()
    return [*elements, last] if last or elements else []
