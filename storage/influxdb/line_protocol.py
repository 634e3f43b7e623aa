"""Samples as InfluxDB line protocol, a whole batch at a time.

One sample is one line::

    telemetry,facility=nanoterasu,signal=stored_current value=200.1,quality="good" 1795431600123456789

All strings are made and joined column by column in Arrow: never one object a sample.
"""

import re
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from facility.batch import NO_WORD, Batch
from facility.errors import DataError
from facility.quality import QUALITY_WORDS, Quality
from facility.schema import FIELD_ARRIVAL, FIELD_QUALITY, FIELD_REASON, FIELD_STATE, FIELD_VALUE, TELEMETRY
from facility.sentence import Sentence
from facility.slug import check_slug
from facility.word import word_problem
from storage.arrow import pa, pc
from storage.columns import CLOCK_TOLERANCE_NS

Strings = Any
"""An Arrow array of strings, or one string for all rows."""


def encode(batch: Batch, clock_tolerance_ns: int = CLOCK_TOLERANCE_NS) -> bytes:
    r"""Write a batch as line protocol with times in nanoseconds.

    Parameters
    ----------
    batch
        Numbers are written so that reading them back gives the same float64; NaN is not written, the line
        then lacks the field ``value``.
    clock_tolerance_ns
        The arrival is written only where it differs from the stamp by more than this.

    Returns
    -------
    bytes
        One line a sample, in the order of the batch, each ended by a newline; empty for an empty batch.

    Raises
    ------
    DataError
        If a number is infinite, or a word that occurs is empty or holds a line break: neither has a form in line
        protocol.

    Examples
    --------
    >>> encode(Batch.of_numbers("ring", "stored_current", [1], [200.0]))
    b'telemetry,facility=ring,signal=stored_current value=200,quality="good" 1\n'
    """
    if not len(batch):
        return b""
    parts: list[Strings] = [_heads(batch), *_value_and_state(batch), _pick(_QUALITIES, batch.quality)]
    if bool(np.any(batch.reason != NO_WORD)):
        parts.append(_pick(_word_fields(f",{FIELD_REASON}=", batch.words, "", batch.reason), batch.reason))
    late = np.abs(batch.arrival_ns - batch.time_ns) > clock_tolerance_ns
    if bool(late.any()):
        arrivals = pc.binary_join_element_wise(f",{FIELD_ARRIVAL}=", _text(batch.arrival_ns), "i", "")
        parts.append(pc.if_else(pa.array(late), arrivals, ""))
    lines: Any = pc.binary_join_element_wise(*parts, " ", _text(batch.time_ns), "\n", "")
    # The characters of an Arrow string array lie in one piece: joined already.
    return lines.buffers()[2].to_pybytes()


def decode(lines: bytes) -> Batch:
    r"""Read back what `encode` wrote.

    Parameters
    ----------
    lines
        Lines of one facility, at least one. A line without an arrival arrived when it was stamped.

    Raises
    ------
    DataError
        If there is no line, one was not written by `encode`, or they are of several facilities.

    Examples
    --------
    >>> decode(b'telemetry,facility=ring,signal=stored_current value=200.5,quality="good" 1\n').value
    array([200.5])
    """
    text = lines.decode()
    rows = _LINE.findall(text)
    if not rows or len(rows) != text.count("\n"):
        raise DataError(Sentence("these are not lines of telemetry as kado writes them"))
    facilities, signals, values, states, qualities, reasons, arrivals, times = zip(*rows, strict=True)
    if len(set(facilities)) != 1:
        raise DataError(
            Sentence(
                "lines of {facilities} cannot be one batch: a batch has one facility",
                facilities=sorted(set(facilities)),
            )
        )
    names = tuple(dict.fromkeys(signals))
    words = tuple(dict.fromkeys(w for w in (*states, *reasons) if w))
    signal_codes = {name: code for code, name in enumerate(names)}
    word_codes = {"": NO_WORD} | {word: code for code, word in enumerate(words)}
    return Batch.build(
        facilities[0],
        names,
        [signal_codes[s] for s in signals],
        [int(t) for t in times],
        arrival_ns=[int(a or t) for a, t in zip(arrivals, times, strict=True)],
        value=[float(v or "nan") for v in values],
        state=[word_codes[s] for s in states],
        quality=[Quality.from_word(q) for q in qualities],
        reason=[word_codes[r] for r in reasons],
        words=tuple(_ESCAPED.sub(r"\1", word) for word in words),
    )


_LINE: Final = re.compile(
    rf"^{TELEMETRY},facility=([^ ,]+),signal=([^ ,]+) (?:{FIELD_VALUE}=([^ ,]+),)?"
    rf'(?:{FIELD_STATE}="((?:[^"\\]|\\.)+)",)?{FIELD_QUALITY}="(\w+)"'
    rf'(?:,{FIELD_REASON}="((?:[^"\\]|\\.)+)")?(?:,{FIELD_ARRIVAL}=(-?\d+)i)? (-?\d+)\n',
    re.MULTILINE,
)
_ESCAPED: Final = re.compile(r"\\(.)")


def _heads(batch: Batch) -> Strings:
    facility = check_slug(batch.facility, "facility")
    heads = [f"{TELEMETRY},facility={facility},signal={check_slug(s, 'signal')} " for s in batch.signals]
    return _pick(heads, batch.signal)


def _value_and_state(batch: Batch) -> list[Strings]:
    missing = np.isnan(batch.value)
    if bool(np.isinf(batch.value).any()):
        row = int(np.flatnonzero(np.isinf(batch.value))[0])
        name = batch.signals[int(batch.signal[row])]
        raise DataError(
            Sentence(
                "{name} at {time_ns} ns is infinite, which InfluxDB cannot hold: reject it",
                name=name,
                time_ns=int(batch.time_ns[row]),
            )
        )
    parts: list[Strings] = []
    if not bool(missing.any()):
        parts += [f"{FIELD_VALUE}=", _text(batch.value), ","]
    elif not bool(missing.all()):
        values = pc.binary_join_element_wise(f"{FIELD_VALUE}=", _text(batch.value), ",", "")
        parts.append(pc.if_else(pa.array(missing), "", values))
    if bool(np.any(batch.state != NO_WORD)):
        parts.append(_pick(_word_fields(f"{FIELD_STATE}=", batch.words, ",", batch.state), batch.state))
    return parts


_QUALITIES: Final = [f'{FIELD_QUALITY}="{word}"' for word in QUALITY_WORDS]


def _word_fields(before: str, words: Sequence[str], after: str, codes: NDArray[np.int32]) -> list[str]:
    """Return the text for each word that occurs in `codes`, and last the empty text that code -1 picks."""
    occurs = np.bincount(codes + 1, minlength=len(words) + 1)[1:].tolist()
    fields = [f"{before}{_quoted(word)}{after}" if n else "" for word, n in zip(words, occurs, strict=True)]
    return [*fields, ""]


def _quoted(word: str) -> str:
    if problem := word_problem(word):
        raise DataError(Sentence("the word {word!r} {problem}: use another", word=word[:80], problem=problem))
    escaped = word.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _pick(texts: Sequence[str], codes: NDArray[np.integer[Any]]) -> Strings:
    if len(texts) == 1:
        return texts[0]
    return pa.array(texts, pa.string()).take(pa.array(np.where(codes < 0, len(texts) - 1, codes)))


def _text(column: NDArray[Any]) -> Strings:
    return pa.array(column).cast(pa.string())
