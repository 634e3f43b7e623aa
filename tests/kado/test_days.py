"""A month from its days: what it says, and what is examined again when something is learned."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from typing import Final

import numpy as np
import pytest

from analytics.gaps import Gaps
from command_line import Kado
from facility.batch import Batch, Samples
from facility.corrections import Assertion, Correction
from facility.definition import load_definition, shipped_definitions
from facility.errors import CorrectionError, PeriodError
from facility.interval import Intervals
from facility.period import Period
from facility.quality import REASON_TOO_EARLY, Quality
from facility.schedule import Block, Category, ScheduleVersion
from facility.time import NS_PER_DAY, NS_PER_H, NS_PER_S, parse_time
from kado.config import Configuration, load_configuration
from kado.queries.availability import load_availability
from kado.queries.evidence import extent_of
from kado.queries.explanation import gaps_in, load_gaps
from kado.queries.figures_by_day import open_figures
from kado.queries.findings_by_day import Days
from kado.queries.record import load_record
from seeded_ring import DAY, time_of_day
from storage.data_dir import DataDir
from storage.embedded.store import EmbeddedStore
from storage.journal.journal import Journal

START: Final = parse_time("2026-05-01T00:00:00+09:00")
DAYS: Final = 12
NOW: Final = START + DAYS * NS_PER_DAY + 7 * NS_PER_H
MONTH: Final = "2026-05"

PROFILE: Final = """
id = "ring"
name = { en = "Ring", ja = "リング" }
time_zone = "Asia/Tokyo"
delivery_signal = "current"
mode_signal = "mode"
simulated = true
flags = { permit = { signal = "shutters", when = ["permitted"] } }
signal = [
    { id = "current", unit = "mA", period_s = 60.0, stale_after_s = 150.0, physical_max = 600.0, witness = "second" },
    { id = "second", unit = "mA", period_s = 60.0, stale_after_s = 150.0 },
    { id = "mode", type = "state", words = ["user", "study", "refill"] },
    { id = "shutters", type = "state", words = ["permitted", "closed"] },
    { id = "orbit", unit = "µm", period_s = 60.0, stale_after_s = 150.0 },
]
distortion = [
    { id = "orbit", signal = "orbit", above = 10.0, ends_below = 8.0, delay_s = 150.0, min_length_s = 600.0 },
]
limits = [
    { from = 2020-01-01, nominal = 199.0, recovered = 195.0, tolerance = 190.0, minimum = 10.0 },
    { from = 2026-05-06, nominal = 180.0, recovered = 175.0, tolerance = 170.0, minimum = 60.0, grace_h = 2.0 },
]
"""

CONFIGURATION: Final = """
facility = "ring.toml"
data_dir = "data"
[store]
kind = "embedded"
[[source]]
id = "plc"
kind = "mqtt"
url = "mqtt://localhost:1"
signal = [{ topic = "ring/current", signal = "current" }]
"""

LEVELS: Final = np.array([200.0, 196.0, 192.0, 178.0, 172.0, 150.0, 55.0, 12.0, 5.0, 0.0])
WORDS: Final = ("user", "study", "refill", "permitted", "closed", "up", "down")
SIGNALS: Final = ("current", "second", "mode", "shutters", "plc_link", "orbit")
ORBITS: Final = np.array([0.0, 5.0, 8.0, 9.0, 10.0, 11.0, 15.0])


def steps(rng: np.random.Generator, times: np.ndarray, values: np.ndarray, mean_min: float) -> np.ndarray:
    """Return a value for each time that changes now and then."""
    changes = rng.random(len(times)) < 1 / mean_min
    changes[0] = True
    return values[np.cumsum(changes) - 1 if len(values) >= changes.sum() else np.cumsum(changes) % len(values)]


def numbers(signal: str, times: np.ndarray, values: np.ndarray) -> Batch:
    return Batch.build("ring", SIGNALS, np.full(len(times), SIGNALS.index(signal)), times, value=values)


def states(signal: str, times: np.ndarray, words: list[str]) -> Batch:
    codes = np.array([WORDS.index(word) for word in words], np.int32)
    return Batch.build("ring", SIGNALS, np.full(len(times), SIGNALS.index(signal)), times, state=codes, words=WORDS)


def trouble(rng: np.random.Generator) -> list[Batch]:
    """Return samples of twelve days and seven hours: outages, gaps, low beam, a witness that is not always right."""
    times = np.arange(START - 3 * NS_PER_H, NOW, 60 * NS_PER_S, dtype=np.int64)
    beam = np.full(len(times), 200.0)
    second = beam.copy()
    for _ in range(60):
        a = int(rng.integers(len(times)))
        b = a + int(rng.integers(1, 400 if rng.random() < 0.1 else 40))
        level = rng.choice(LEVELS)
        beam[a:b] = level
        if rng.random() < 0.7:
            second[a:b] = level
    # Some over midnight, on purpose.
    for day in rng.choice(DAYS, 4, replace=False).tolist():
        a = int((START + day * NS_PER_DAY - times[0]) // (60 * NS_PER_S)) - int(rng.integers(0, 90))
        beam[max(a, 0) : a + 120] = 0.0
    keep = np.ones(len(times), dtype=bool)
    for _ in range(25):
        a = int(rng.integers(len(times)))
        keep[a : a + int(rng.integers(3, 90))] = False
    batches = [numbers("current", times[keep], beam[keep]), numbers("second", times, second)]
    for signal, words in (("mode", ["user", "study", "refill"]), ("shutters", ["permitted", "closed"])):
        at = np.sort(rng.choice(times, 14, replace=False))
        batches.append(states(signal, at, [str(w) for w in rng.choice(words, 14)]))
    batches.append(numbers("orbit", *disturbed(np.random.default_rng(int(rng.integers(2**32))), times)))
    at = np.sort(rng.choice(times, 6, replace=False))
    batches.append(states("plc_link", at, ["down", "up"] * 3))
    return batches


def disturbed(rng: np.random.Generator, times: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return an orbit that is off for minutes or days, and silent at times."""
    orbit, keep = np.zeros(len(times)), np.ones(len(times), dtype=bool)
    for _ in range(40):
        a = int(rng.integers(len(times)))
        orbit[a : a + int(rng.integers(1, 3000 if rng.random() < 0.1 else 60))] = rng.choice(ORBITS)
    for _ in range(15):
        a = int(rng.integers(len(times)))
        keep[a : a + int(rng.integers(3, 90))] = False
    return times[keep], orbit[keep]


def calendar(rng: np.random.Generator) -> ScheduleVersion:
    edges = [START - NS_PER_DAY, *(START + np.sort(rng.choice(DAYS * 24, 9, replace=False)) * NS_PER_H).tolist()]
    kinds = [Category.USER if rng.random() < 0.75 else Category.STUDY for _ in edges]
    kinds[3] = Category.USER
    ends = [*edges[1:], START + 40 * NS_PER_DAY]
    blocks = [Block(a, b, kind) for a, b, kind in zip(edges, ends, kinds, strict=True)]
    return ScheduleVersion.of(START - 60 * NS_PER_DAY, blocks)


@pytest.fixture
def configuration(tmp_path: Path) -> Configuration:
    (tmp_path / "ring.toml").write_text(PROFILE, encoding="utf-8")
    (tmp_path / "kado.toml").write_text(CONFIGURATION, encoding="utf-8")
    return load_configuration(tmp_path / "kado.toml")


class Facility:
    """A ring with twelve days behind it, its store, and the days that follow it."""

    def __init__(self, configuration: Configuration, seed: int, definition: str = "nanoterasu") -> None:
        self.configuration = configuration
        self.rng = np.random.default_rng(seed)
        self.store = EmbeddedStore(configuration.data_dir, "ring", read_only=False)
        for batch in trouble(self.rng):
            self.store.write(batch)
        with Journal.open(DataDir(configuration.data_dir).journal) as journal:
            journal.add_schedule_versions([calendar(self.rng)], "Mori", "test")
        self.definition = definition
        extent = extent_of(self.store, configuration.profile)
        self.days = Days(configuration, self.store, load_definition(definition), extent)
        self.learn()

    def learn(self) -> None:
        self.days.learn(load_record(self.configuration))

    def check(self, period: str = MONTH) -> None:
        """Compare with the whole period in one call."""
        whole = load_availability(self.configuration, period, self.definition, clock=lambda: NOW)
        named = self.configuration.profile.period(period, self.days.plan)
        assert self.days.availability(named, NOW) == whole.availability

    def examined_by(self, action: Callable[[], object]) -> int:
        """Return how many days the month takes after an action, today left out."""
        self.check()
        before = self.days.examined
        action()
        self.check()
        return self.days.examined - before - 1

    def write(self, batch: Batch) -> None:
        """Write samples of one signal and tell of it."""
        self.store.write(batch)
        first, last = int(batch.time_ns.min()), int(batch.time_ns.max())
        self.days.touched(SIGNALS[int(batch.signal[0])], Intervals.of([(first, last + 1)]))

    def say(self, assertion: Assertion, start_ns: int, end_ns: int) -> None:
        """Record a correction, unless it contradicts another, and learn of it."""
        with self.journal() as journal, suppress(CorrectionError):
            journal.add_correction(Correction(0, start_ns, end_ns, assertion, "Sato", "logbook", NOW))
        self.learn()

    def standing(self) -> list[int]:
        """Return the ids of the corrections in force."""
        with self.journal() as journal:
            return [c.id for c in journal.corrections_by_standing(None)[0]]

    def withdraw(self, correction_id: int) -> None:
        """Withdraw a correction, and learn of it."""
        with self.journal() as journal:
            journal.withdraw(correction_id, "Abe", "mistaken")
        self.learn()

    def journal(self) -> Journal:
        return Journal.open(DataDir(self.configuration.data_dir).journal, lambda: NOW)


Ring = Callable[..., Facility]


@pytest.fixture
def ring() -> Iterator[Ring]:
    """Make facilities whose stores are closed in the end."""
    with ExitStack() as opened:

        def made(configuration: Configuration, seed: int, definition: str = "nanoterasu") -> Facility:
            facility = Facility(configuration, seed, definition)
            opened.callback(facility.store.close)
            return facility

        yield made


@pytest.mark.parametrize("definition", shipped_definitions())
def test_a_period_of_days_is_the_period_by_every_definition(
    configuration: Configuration, ring: Ring, definition: str
) -> None:
    facility = ring(configuration, 1, definition)
    for period in (MONTH, "FY2026", "2026-05-04T10:17:00+09:00/2026-05-09T03:00:00+09:00"):
        facility.check(period)


@pytest.mark.parametrize("seed", range(6))
def test_whatever_is_learned_the_days_say_what_one_call_says(
    configuration: Configuration, ring: Ring, seed: int
) -> None:
    definition = shipped_definitions()[seed % len(shipped_definitions())]
    facility = ring(configuration, seed, definition)
    rng = facility.rng
    facility.check()
    for _ in range(25):
        at = START + int(rng.integers(-6 * 60, DAYS * 24 * 60)) * 60 * NS_PER_S
        until = at + int(rng.choice([1, 5, 30, 240, 2000])) * 60 * NS_PER_S
        times = np.arange(at, min(until, NOW), 60 * NS_PER_S, dtype=np.int64)
        what = rng.integers(7)
        if what == 0:
            facility.write(numbers("current", times, np.full(len(times), rng.choice(LEVELS))))
        elif what == 1:
            facility.write(numbers("second", times, np.full(len(times), rng.choice(LEVELS))))
        elif what == 2:
            facility.write(states("mode", times[:1], [str(rng.choice(["user", "study", "refill"]))]))
        elif what == 3:
            facility.write(states("shutters", times[:1], [str(rng.choice(["permitted", "closed"]))]))
        elif what == 4:
            facility.write(states("plc_link", times[:1], ["down"]))
        elif what == 5:
            facility.write(numbers("orbit", times, np.full(len(times), rng.choice(ORBITS))))
        else:
            standing = facility.standing()
            if standing and rng.random() < 0.3:
                facility.withdraw(int(rng.choice(standing)))
            else:
                kinds = [a for a in Assertion if a not in (Assertion.EXCLUDED, Assertion.REDUCED)]
                facility.say(kinds[int(rng.integers(len(kinds)))], at, min(until, NOW))
        facility.check()


@pytest.mark.parametrize(("beam_h", "provisional"), [(-3.0, True), (0.0, True), (3.0, False), (40.0, False)])
def test_whether_figures_are_final_does_not_depend_on_how_days_are_examined_together(
    configuration: Configuration, beam_h: float, provisional: bool
) -> None:
    # User time ends on the fifth evening, the beam so many hours after it, the samples at the end of the month.
    evening, end = START + 4 * NS_PER_DAY + 18 * NS_PER_H, START + 31 * NS_PER_DAY
    times = np.arange(START, end, 60 * NS_PER_S, dtype=np.int64)
    beam = np.where(times < evening + int(beam_h * NS_PER_H), 200.0, 0.0)
    for signal in ("current", "second"):
        with closing(EmbeddedStore(configuration.data_dir, "ring", read_only=False)) as store:
            store.write(numbers(signal, times, beam))
    blocks = [Block(START, evening, Category.USER), Block(evening, end, Category.SHUTDOWN)]
    with Journal.open(DataDir(configuration.data_dir).journal) as journal:
        journal.add_schedule_versions([ScheduleVersion.of(START - 60 * NS_PER_DAY, blocks)], "Mori", "test")
    now = end + 20 * NS_PER_DAY
    whole = load_availability(configuration, MONTH, clock=lambda: now).availability
    assert whole.provisional is provisional
    month = Period(MONTH, START, end)
    with closing(EmbeddedStore(configuration.data_dir, "ring")) as store:
        for together in (1, 3, 8, 31):
            extent, definition = extent_of(store, configuration.profile), load_definition("nanoterasu")
            days = Days(configuration, store, definition, extent, days_together=together)
            days.learn(load_record(configuration))
            assert days.availability(month, now) == whole, together


class TestWhatIsExaminedAgain:
    @pytest.fixture
    def quiet(self, configuration: Configuration) -> Iterator[Facility]:
        """A ring whose beam was always there, in user time for 12 days."""
        facility = Facility.__new__(Facility)
        facility.configuration, facility.rng = configuration, np.random.default_rng(0)
        facility.store = EmbeddedStore(configuration.data_dir, "ring", read_only=False)
        times = np.arange(START, NOW, 60 * NS_PER_S, dtype=np.int64)
        for signal in ("current", "second"):
            facility.store.write(numbers(signal, times, np.full(len(times), 200.0)))
        for word in ("mode", "shutters", "plc_link"):
            first = {"mode": "user", "shutters": "permitted", "plc_link": "up"}[word]
            facility.store.write(states(word, times[:1], [first]))
        user = Block(START, START + 40 * NS_PER_DAY, Category.USER)
        with Journal.open(DataDir(configuration.data_dir).journal) as journal:
            journal.add_schedule_versions([ScheduleVersion.of(START - 60 * NS_PER_DAY, [user])], "Mori", "test")
        facility.definition = "nanoterasu"
        extent = extent_of(facility.store, configuration.profile)
        facility.days = Days(configuration, facility.store, load_definition("nanoterasu"), extent)
        facility.learn()
        yield facility
        facility.store.close()

    def test_nothing_when_nothing_is_learned(self, quiet: Facility) -> None:
        assert quiet.examined_by(lambda: None) == 0
        assert quiet.days.examined == DAYS + 2

    def test_one_day_for_a_late_sample(self, quiet: Facility) -> None:
        noon = np.array([START + 5 * NS_PER_DAY + 12 * NS_PER_H + 1], np.int64)
        assert quiet.examined_by(lambda: quiet.write(numbers("current", noon, np.array([0.0])))) == 1

    def test_both_days_for_a_late_sample_near_midnight(self, quiet: Facility) -> None:
        late = np.array([START + 5 * NS_PER_DAY - 1], np.int64)
        assert quiet.examined_by(lambda: quiet.write(numbers("current", late, np.array([0.0])))) == 2

    def test_the_days_that_a_late_distortion_may_run_into(self, quiet: Facility) -> None:
        days = np.array([START + d * NS_PER_DAY for d in range(DAYS)], np.int64)
        quiet.write(numbers("orbit", days, np.zeros(len(days))))
        late = np.array([START + 5 * NS_PER_DAY + 12 * NS_PER_H], np.int64)
        # That day, and the next, which was found from the last good sample before it on.
        assert quiet.examined_by(lambda: quiet.write(numbers("orbit", late, np.array([15.0])))) == 2

    def test_one_day_for_the_beam_where_the_orbit_was_never_recorded(self, quiet: Facility) -> None:
        noon = np.array([START + 5 * NS_PER_DAY + 12 * NS_PER_H + 1], np.int64)
        assert quiet.examined_by(lambda: quiet.write(numbers("current", noon, np.array([150.0])))) == 1

    def test_no_day_for_a_signal_that_says_nothing_of_the_beam(self, quiet: Facility) -> None:
        spans = Intervals.of([(START + NS_PER_DAY, START + 2 * NS_PER_DAY)])
        assert quiet.examined_by(lambda: quiet.days.touched("orbit_x", spans)) == 0

    def test_the_days_that_a_late_word_holds_over(self, quiet: Facility) -> None:
        morning = [START + d * NS_PER_DAY + 6 * NS_PER_H for d in (3, 5)]
        quiet.write(states("mode", np.array(morning[1:], np.int64), ["user"]))
        said = states("mode", np.array(morning[:1], np.int64), ["study"])
        assert quiet.examined_by(lambda: quiet.write(said)) == 3

    def test_the_days_of_a_correction_and_again_when_it_is_withdrawn(self, quiet: Facility) -> None:
        at = START + 3 * NS_PER_DAY + 10 * NS_PER_H
        assert quiet.examined_by(lambda: quiet.say(Assertion.DOWN, at, at + NS_PER_H)) == 1
        (said,) = quiet.standing()
        assert quiet.examined_by(lambda: quiet.withdraw(said)) == 1

    def test_the_days_that_a_new_calendar_plans_otherwise(self, quiet: Facility) -> None:
        study = Block(START + 4 * NS_PER_DAY, START + 6 * NS_PER_DAY, Category.STUDY)
        user = Block(START + 6 * NS_PER_DAY, START + 40 * NS_PER_DAY, Category.USER)

        def publish() -> None:
            with Journal.open(DataDir(quiet.configuration.data_dir).journal) as journal:
                journal.add_schedule_versions(
                    [ScheduleVersion.of(START - 50 * NS_PER_DAY, [study, user])], "Mori", "again"
                )
            quiet.learn()

        # Both days, and those beside them, which were looked at as far as beam was seen for certain.
        assert quiet.examined_by(publish) == 4

    def test_no_samples_are_looked_for_in_days_long_before_the_first_one_until_earlier_ones_come(
        self, quiet: Facility, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        period = "2026-01-01T00:00:00+09:00/2026-05-10T00:00:00+09:00"
        read, asked = quiet.store.read, list[int]()

        def spy(signal: str, start_ns: int, end_ns: int, *, hold: bool = False) -> Samples:
            asked.append(end_ns)
            return read(signal, start_ns, end_ns, hold=hold)

        monkeypatch.setattr(quiet.store, "read", spy)
        quiet.check(period)
        assert asked
        assert min(asked) > START - 32 * NS_PER_DAY
        kept = quiet.days.examined
        # A sample of the winter: the days before it hold nothing still, and those after it are looked at.
        winter = np.array([START - 60 * NS_PER_DAY], np.int64)
        quiet.write(numbers("current", winter, np.array([200.0])))
        asked.clear()
        quiet.check(period)
        assert min(asked) > START - 92 * NS_PER_DAY
        assert any(end < START - 50 * NS_PER_DAY for end in asked)
        assert quiet.days.examined > kept

    def test_a_stamp_from_before_anything_does_not_change_where_the_samples_begin(self, quiet: Facility) -> None:
        quiet.check()
        since_ns, kept = quiet.days.since_ns, quiet.days.examined
        epoch = parse_time("1990-01-01T00:00:00Z")
        undefined = Batch.build(
            "ring", SIGNALS, [SIGNALS.index("current")] * 2, [epoch, NOW - NS_PER_S], value=[0.0, 200.0],
            quality=[Quality.UNCERTAIN, Quality.GOOD], reason=[0, -1], words=[REASON_TOO_EARLY],
        )  # fmt: skip
        quiet.write(undefined)
        assert quiet.days.since_ns == since_ns
        quiet.check()
        assert quiet.days.examined > kept

    def test_nothing_known_of_a_period_is_an_error_as_in_one_call(self, quiet: Facility) -> None:
        before = Period("2026-04-01", START - 30 * NS_PER_DAY, START - 29 * NS_PER_DAY)
        with pytest.raises(PeriodError, match="no schedule for 2026-04-01"):
            quiet.days.availability(before, NOW)


def test_energy_is_the_sum_of_the_days_and_that_of_one_call_and_no_power_has_none(
    configuration: Configuration, ring: Ring, tmp_path: Path
) -> None:
    current = ring(configuration, 1)
    month = configuration.profile.period(MONTH, current.days.plan)
    assert current.days.availability(month, NOW).delivered_mwh is None
    folder = tmp_path / "target"
    folder.mkdir()
    (folder / "ring.toml").write_text(PROFILE.replace('unit = "mA"', 'unit = "kW"'), encoding="utf-8")
    (folder / "kado.toml").write_text(CONFIGURATION, encoding="utf-8")
    target = ring(load_configuration(folder / "kado.toml"), 1)
    said = load_availability(target.configuration, MONTH, clock=lambda: NOW).availability.delivered_mwh
    assert said is not None
    assert said > 10
    assert target.days.availability(month, NOW).delivered_mwh == pytest.approx(said, rel=1e-12)


def test_days_that_are_examined_together_give_what_single_days_give(simulated: Kado) -> None:
    assert simulated("schedule", "show").exit_code == 0
    configuration = load_configuration()
    with open_figures(configuration) as figures:
        period = figures.period("2026-11")
        together = figures.report(period).availability
        single = Days(configuration, figures.store, figures.definition, figures.extent)
        single.learn(figures.record)
        assert together == single.availability(period, figures.now_ns)


def test_one_look_at_a_period_gives_what_its_own_command_gives_and_keeps_its_days(seeded: Kado) -> None:
    answer = seeded(
        *("correct", "up", "--yes", "--from", time_of_day("02:00"), "--to", time_of_day("03:30")),
        *("--reason", "logbook", "--author", "Sato"),
    )
    assert answer.exit_code == 0, answer.err
    configuration = load_configuration()
    gaps: list[Gaps] = []
    with open_figures(configuration) as figures:
        day = figures.period(DAY)
        looked = figures.look_at(day, lambda piece: gaps.append(gaps_in(piece, configuration.profile)))
    alone, alone_gaps = load_gaps(configuration, DAY, None, None)
    assert looked.availability == alone.availability
    assert looked.corrections == alone.corrections != ()
    assert (looked.cadence, looked.refill) == (alone.cadence, alone.refill)
    assert list(Gaps.joined(gaps)) == list(alone_gaps)
