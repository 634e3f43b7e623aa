"""What replay leaves out beforehand changes nothing: edges of quality, time, rate and limits, in chunks of any size."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import analytics.alarms.edges as edges
from alarm_cases import SECOND, TABLE, make_set
from analytics.alarms import Feed, LimitPieces, advance, begin
from analytics.alarms.history import replay
from facility.batch import NO_WORD, Batch, Samples
from facility.quality import REASON_CLOCK, Quality
from facility.schedule import Plan

GOOD, UNCERTAIN, BAD = Quality.GOOD, Quality.UNCERTAIN, Quality.BAD
HIGH: dict[str, Any] = {"kind": "limit", "signal": "y", "above": 10.0}
DAY = 86_400
FALLING: dict[str, Any] = {"kind": "rate", "signal": "y", "window_s": 2.0, "below": -0.5}


@dataclass(frozen=True)
class Case:
    when: dict[str, Any]
    samples: tuple[tuple[Any, ...], ...]
    """(time in s, series, value or word, quality and reason where it is not good)."""
    causes: tuple[tuple[float, str], ...]
    """Time and cause of each row."""
    start: float = 0
    until: float = 60


CASES = {
    "a sample of a wrong clock is not good unless its quality is": Case(
        HIGH,
        (
            (0, "y", 3.0), (1, "y", 11.0, UNCERTAIN, REASON_CLOCK), (2, "y", 12.0, BAD, REASON_CLOCK),
            (3, "y", 11.0, UNCERTAIN, "limit"), (4, "y", 3.0), (5, "y", 11.0, BAD), (6, "y", 11.0, GOOD, REASON_CLOCK),
        ),
        ((0, "input_known"), (3, "raised"), (4, "cleared"), (6, "raised")),
    ),
    "reasons other than a wrong clock change nothing": Case(
        HIGH,
        ((0, "y", 3.0), (1, "y", 11.0, UNCERTAIN, "limit"), (2, "y", 3.0, BAD, "limit"), (3, "y", 3.0)),
        ((0, "input_known"), (1, "raised"), (3, "cleared")),
    ),
    "a number at the physical maximum is good, one above it and minus infinity are not": Case(
        {"kind": "limit", "signal": "x", "above": 10.0},
        ((0, "x", 3.0), (1, "x", 50.5), (2, "x", 50.0), (3, "x", -np.inf), (4, "x", 3.0)),
        ((0, "input_known"), (2, "raised"), (4, "cleared"), (12, "input_unknown")),
    ),
    "the greatest number of all is good": Case(
        HIGH, ((0, "y", 3.0), (1, "y", np.finfo(float).max)), ((0, "input_known"), (1, "raised"))
    ),
    "numbers for a state are no good samples": Case(
        {"kind": "any", "of": [{"kind": "stale", "signal": "s", "after_s": 5.0},
                               {"kind": "state", "signal": "s", "words": ["b"]}]},
        ((1, "s", 3.0), (4, "s", 3.0), (7, "s", 3.0)),
        ((5, "raised"),),
    ),
    "a sample of the very instant at which its link is lost holds on": Case(
        HIGH,
        ((0, "ring_link", "up"), (1, "y", 3.0), (10, "ring_link", "down"), (10, "y", 11.0)),
        ((1, "input_known"), (10, "raised")),
        until=40,
    ),
    "a sample before a link is lost does not, and of two losses the first counts": Case(
        HIGH,
        ((0, "ring_link", "up"), (1, "y", 3.0), (10, "ring_link", "down"), (12, "ring_link", "up")),
        ((1, "input_known"), (10, "input_unknown")),
    ),
    "a link that is heard after exactly 30 s is not lost, one that is heard later is": Case(
        HIGH,
        ((0, "ring_link", "up"), (1, "y", 3.0), (30, "ring_link", "up"), (60.5, "ring_link", "up"), (70, "y", 3.0)),
        ((1, "input_known"), (60, "input_unknown"), (70, "input_known")),
        until=80,
    ),
    "series of several days are taken in the order of time": Case(
        {"kind": "any", "of": [HIGH, {"kind": "state", "signal": "m", "words": ["study"]}]},
        ((0, "y", 3.0), (0, "m", "user"), (DAY, "m", "study"), (2 * DAY, "m", "user"), (3 * DAY, "y", 11.0),
         (4 * DAY, "y", 3.0)),
        ((0, "input_known"), (DAY, "raised"), (2 * DAY, "cleared"), (3 * DAY, "raised"), (4 * DAY, "cleared")),
        until=5 * DAY,
    ),
    "a rate is unknown where the newest sample holds no more": Case(
        {**FALLING, "signal": "x"},
        ((0, "x", 10.0), (2, "x", 9.5), (11, "x", 9.0), (12, "x", 9.0), (14, "x", 7.0)),
        ((2, "input_known"), (10, "input_unknown"), (14, "raised")),
    ),
    "a rate of exactly its limit is not beyond it, also as the first that is known": Case(
        FALLING,
        ((0, "y", 10.0), (2, "y", 9.0), (4, "y", 8.0), (6, "y", 6.999), (8, "y", 6.0)),
        ((2, "input_known"), (6, "raised"), (8, "cleared")),
    ),
    "a rate goes over the newest sample that is a window old, up to two windows": Case(
        FALLING,
        ((0, "y", 100.0), (1, "y", 10.0), (5, "y", 9.0), (9.5, "y", 1.0), (11.5, "y", 0.5), (12, "y", 0.5)),
        ((5, "input_known"), (9.5, "input_unknown"), (11.5, "input_known")),
    ),
    "samples that are not good stand between those of a rate": Case(
        FALLING,
        ((0, "y", 10.0), (2, "y", 10.0), (3, "y", 0.0, BAD), (3.5, "y", 0.0, BAD), (4, "y", 8.0), (6, "y", 8.0)),
        ((2, "input_known"), (4, "raised"), (6, "cleared")),
    ),
    "a limit that the facility does not have is unknown": Case(
        {"kind": "limit", "signal": "y", "below": "tolerance"}, ((0, "y", 3.0), (1, "y", 4.0)), ()
    ),
    "a value goes beyond a limit and back within samples that begin and end alike": Case(
        {**HIGH, "below": 2.0},
        tuple((float(t), "y", v) for t, v in enumerate((3.0, 3.0, 11.0, 10.0, 2.0, 1.0, 2.0, 3.0))),
        ((0, "input_known"), (2, "raised"), (3, "cleared"), (5, "raised"), (6, "cleared")),
    ),
    "a state that is not good is unknown at once, the same word after it is known": Case(
        {"kind": "state", "signal": "s", "words": ["b"]},
        ((0, "s", "a"), (2, "s", "a", BAD), (3, "s", "a"), (4, "s", "b"), (6, "s", "b", BAD), (7, "s", "a")),
        ((0, "input_known"), (2, "input_unknown"), (3, "input_known"), (4, "raised"), (7, "cleared"),
         (19, "input_unknown")),
    ),
    "silence counts from the start, and from the sample that was held there": Case(
        {"kind": "stale", "signal": "y", "after_s": 5.0},
        ((8, "y", 3.0), (12, "y", 3.0), (17, "y", 3.0), (23, "y", 3.0)),
        ((10, "input_known"), (22, "raised"), (23, "cleared"), (28, "raised")),
        start=10,
    ),
    "a sample held at the start is silent after its time and stale after that of the start": Case(
        {"kind": "stale", "signal": "y", "after_s": 5.0},
        ((8, "y", 3.0), (14, "y", 3.0)),
        ((10, "input_known"), (13, "input_unknown"), (14, "input_known"), (19, "raised")),
        start=10,
    ),
}  # fmt: skip


def batch_of(samples: tuple[tuple[Any, ...], ...]) -> Batch:
    names = tuple(TABLE.series)
    whole: list[tuple[Any, ...]] = [
        (*sample, GOOD, None) if len(sample) == 3 else (*sample, None)[:5] for sample in samples
    ]
    words = tuple(dict.fromkeys(w for _, _, v, _, r in whole for w in (v, r) if isinstance(w, str)))
    return Batch.build(
        "made_up",
        names,
        [names.index(series) for _, series, _, _, _ in whole],
        [round(t * SECOND) for t, _, _, _, _ in whole],
        value=[np.nan if isinstance(v, str) else v for _, _, v, _, _ in whole],
        state=[words.index(v) if isinstance(v, str) else NO_WORD for _, _, v, _, _ in whole],
        quality=[quality for _, _, _, quality, _ in whole],
        reason=[NO_WORD if reason is None else words.index(reason) for _, _, _, _, reason in whole],
        words=words,
    )


@pytest.mark.parametrize("chunk", [1, 2, 3, 1 << 15])
@pytest.mark.parametrize("name", CASES)
def test_replay_gives_the_rows_of_the_engine(name: str, chunk: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(edges, "CHUNK", chunk)
    case = CASES[name]
    text = {"en": "t", "ja": "t"}
    keys = {"title": text, "priority": "high", "class": "c", "consequence": text, "action": text, "latch": False}
    made = make_set([{**keys, "id": "a", "respond_within_s": 600.0, "when": case.when}])
    batch, start, until = batch_of(case.samples), round(case.start * SECOND), round(case.until * SECOND)
    kept = dict(batch.by_signal())

    def history(name: str, start_ns: int, end_ns: int) -> Iterator[Samples]:
        if name in kept:
            yield kept[name].between(0, end_ns)

    def causes(transitions: object) -> list[tuple[float, str]]:
        return [((t.time_ns) / SECOND, t.cause.value) for t in transitions]  # type: ignore[attr-defined]

    assert causes(replay(made, history, Plan(()), LimitPieces(), (), start, until)) == list(case.causes)
    _, outcome = advance(begin(made, start), Feed(batches=(batch,)), until)
    assert causes(outcome.transitions) == list(case.causes)
