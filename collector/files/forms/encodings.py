"""Which encoding a text file is in, from its first bytes."""

import codecs

from facility.errors import UsageError
from facility.sentence import Sentence

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def recognise_encoding(head: bytes) -> tuple[str, str | None]:
    """Return the encoding of a file that begins with `head`, and what was assumed, for people.

    A file that is not UTF-8 is of one of two encodings that spreadsheets write: cp932 (Japanese) where it has
    characters of two bytes, else cp1252 (Western European). Numbers, times and ASCII words are the same in both.
    """
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            return encoding, None
    # ASCII characters, such as separators and digits, have a zero byte in UTF-16; text in other encodings has none.
    zeros_first, zeros_second = head[::2].count(0), head[1::2].count(0)
    if max(zeros_first, zeros_second) * 20 > len(head) and min(zeros_first, zeros_second) * 20 < len(head):
        return ("utf-16-be" if zeros_first > zeros_second else "utf-16-le"), None
    if _is(head, "utf-8"):
        return "utf-8", None
    if _is(head, "cp932") and _has_pairs(head):
        return "cp932", "it is not UTF-8; read as cp932 (--encoding names another)"
    if any(byte >= 0xC2 and head[i + 1 : i + 2] and 0x80 <= head[i + 1] < 0xC0 for i, byte in enumerate(head)):
        return "utf-8", None  # UTF-8 with damage in it: the lines that are damaged are rejected.
    return "cp1252", "it is not UTF-8; read as cp1252 (--encoding names another)"


def check_encoding(name: str) -> str:
    """Return the name of an encoding of text.

    Raises
    ------
    UsageError
        If Python does not know it, or it is not one of text.
    """
    try:
        if not codecs.lookup(name)._is_text_encoding:  # noqa: SLF001 - the only place where codecs say so.
            raise LookupError
        "time,1".encode(name)
    except (LookupError, UnicodeError, ValueError) as error:
        raise UsageError(
            Sentence("--encoding {name!r} is not an encoding such as utf-8, cp932 or utf-16", name=name)
        ) from error
    return "utf-8" if codecs.lookup(name).name in ("utf-8", "ascii", "utf_8_sig") else codecs.lookup(name).name


def _is(head: bytes, encoding: str) -> bool:
    try:
        codecs.getincrementaldecoder(encoding)().decode(head)  # Not final: a character may be cut at the end.
    except UnicodeDecodeError:
        return False
    return True


def _has_pairs(head: bytes) -> bool:
    """Whether most bytes that are not ASCII stand beside each other, as in Japanese and not in Western text."""
    high = [byte >= 0x80 for byte in head]
    beside = sum(a and (b or c) for a, b, c in zip(high, [False, *high], [*high[1:], False], strict=False))
    return beside * 2 > sum(high)
