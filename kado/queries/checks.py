"""Whether the configuration is right, and each part that it names reachable."""

import asyncio
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from collector.sources.http.page import KEY_MISSING
from collector.sources.updates import DISCONNECTED
from facility.alarms import review
from facility.definition import load_definition
from facility.errors import ConfigError, DamagedDataError, KadoError, UnreachableError, UsageError
from facility.profile import Profile
from facility.sentence import Sentence
from facility.source import SourceSpec
from facility.time import Clock
from kado.config import Configuration
from kado.journal import has_journal, journal_problem
from kado.language import term, tr, trn, words
from kado.language.sentences import error_text, in_words
from kado.output import local
from kado.queries.alarm_rules import load_alarm_rules
from kado.queries.identity import identity
from kado.queries.page_exposure import check_exposure
from kado.queries.probe import Heard, Listener
from kado.queries.recent_samples import cadence_now, limit_warnings_now
from kado.queries.record import load_plan
from kado.queries.running_service import changed_since_start
from kado.queries.secret_files import open_secret_files, open_secret_words
from kado.queries.warning_words import cadence_words, limit_words
from kado.source_kinds import delivers, simulated_kinds
from kado.stores import open_store, running_pid
from storage.data_dir import DataDir
from storage.telemetry_db import open_reader

CONNECT_S = 10.0
HEAR_S = 2.0
"""For which a source is listened to, unless each of its signals has a good value sooner."""
MOST_NAMED = 5
NAMED_BY_NOTICES = (KEY_MISSING, DISCONNECTED)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one check found."""

    what: str
    ok: bool
    detail: str
    """What is there; of a problem, what is wrong and what to do."""
    exit_code: int = 0
    is_warning: bool = False
    """Nothing is broken, but a person should look at it."""


def run_checks(configuration: Configuration, clock: Clock) -> Iterator[Outcome]:
    """Check everything that there is, one after another; a problem does not keep the others from being checked."""
    profile = configuration.profile
    kinds = ", ".join(f"{s.id} ({s.kind})" for s in configuration.sources) or tr("no source")
    yield Outcome(tr("configuration"), True, f"{configuration.path}: {kinds}")
    signals = trn("{n} signal", "{n} signals", len(profile.signals))
    simulated = tr(", simulated") if profile.simulated else ""
    yield Outcome(tr("facility"), True, f"{profile.id}: {signals}{simulated}")
    yield checked(tr("definition"), lambda: _definition(configuration))
    yield checked(tr("data directory"), lambda: _data_dir(configuration))
    yield checked(tr("journal"), lambda: _journal(configuration))
    yield checked(tr("store"), lambda: in_words(configuration.backend.check()))
    if not configuration.sources:
        yield Outcome(tr("sources"), False, tr("there are none: add a [[source]] table to kado.toml"), 1)
    for source in configuration.sources:
        yield from _source(configuration, source, clock)
    yield from _mapped_twice(configuration)
    yield from _secret_files(configuration)
    if configuration.sources and not any(delivers(s, profile.delivery_signal) for s in configuration.sources):
        hint = tr(
            "no source delivers {signal}, which decides on availability: map it to one of them",
            signal=profile.delivery_signal,
        )
        yield Outcome(tr("delivery signal"), False, hint, 1)
    if (page := configuration.settings.page) is not None:
        yield checked(tr("page"), lambda: check_exposure(configuration, page))
    yield checked(tr("schedule"), lambda: _schedule(configuration, clock()))
    yield from _fit(configuration, clock())
    if changed := changed_since_start(configuration):
        text = tr(
            "the running service was started with another configuration: {parts} changed since; restart it",
            parts=", ".join(changed),
        )
        yield Outcome(tr("running service"), False, text, 1)
    if configuration.settings.alarms is not None:
        yield checked(tr("alarms"), lambda: _alarms(configuration))


def checked(what: str, check: Callable[[], str]) -> Outcome:
    """Return what a check says, or the problem that it found."""
    try:
        return Outcome(what, True, check())
    except KadoError as error:
        # Wrong configuration is a problem that was found here, not wrong use of this command.
        return Outcome(what, False, error_text(error), 1 if isinstance(error, UsageError) else error.exit_code)


def _definition(configuration: Configuration) -> str:
    definition = load_definition(configuration.profile.definition, configuration.folder)
    return f"{definition.id}: {words(definition.title)}"


def _alarms(configuration: Configuration) -> str:
    rules = load_alarm_rules(configuration)
    doubtful = len(review(rules))
    hint = tr(", {n} doubtful: see 'kado alarms rules --check'", n=doubtful) if doubtful else ""
    return trn("{n} rule", "{n} rules", len(rules)) + hint


def _data_dir(configuration: Configuration) -> str:
    path = configuration.data_dir
    nearest = next(p for p in (path, *path.parents) if p.exists())
    if not nearest.is_dir() or not os.access(nearest, os.W_OK | os.X_OK):
        raise ConfigError(
            Sentence("{nearest} cannot be written: change its owner, or choose another data_dir", nearest=nearest)
        )
    if not DataDir(path).telemetry.exists():
        return tr("{folder}: nothing collected yet", folder=path)

    open_reader(path, configuration.profile.id, configuration.backend.kind).close()
    pid = running_pid(configuration)
    if pid is None:
        return tr("{folder}: no kado is running", folder=path)
    return tr("{folder}: kado is running, pid {pid}", folder=path, pid=pid)


def _journal(configuration: Configuration) -> str:
    if not has_journal(configuration):
        return tr("nothing recorded yet")
    if problem := journal_problem(configuration):
        raise DamagedDataError(problem)
    return tr("no record is missing")


def _source(configuration: Configuration, source: SourceSpec, clock: Clock) -> Iterator[Outcome]:
    heard: Heard | None = None

    def reach() -> str:
        nonlocal heard
        listener = Listener(source, configuration.profile, clock)
        seconds = HEAR_S if source.live else 0.0
        heard = asyncio.run(listener.listen(seconds, answer_s=CONNECT_S, all_good_is_enough=True))
        if heard.problem:
            raise UnreachableError(heard.problem)
        number = len(source.signals)
        signals = trn("{n} signal", "{n} signals", number) if number else tr("all its signals")
        address = source.address or tr("in this process")
        return tr("{address}: reachable, {signals}", address=address, signals=signals) + _silent(heard)

    name = tr("source {id}", id=source.id)
    yield checked(name, reach)
    if heard is None:
        return
    for notice in heard.notices:
        yield Outcome(name, False, notice, 1)
    for rejection in heard.rejected[:MOST_NAMED]:
        yield Outcome(name, False, tr("rejected: {text}", text=f"{rejection.address}: {rejection.detail}"), 1)
    bad = [
        f"{s.signal.id} ({s.reason or s.quality})"
        for s in heard.signals
        if s.quality == "bad" and s.reason not in NAMED_BY_NOTICES
    ]
    if bad:
        more = len(bad) - MOST_NAMED
        named = ", ".join(bad[:MOST_NAMED]) + (tr(" and {n} more", n=more) if more > 0 else "")
        hint = tr("no good value now: {signals}; see 'kado source probe {id}'", signals=named, id=source.id)
        yield Outcome(name, True, tr("warning: {text}", text=hint))


def _silent(heard: Heard) -> str:
    """Return how many signals said nothing: one that reports on change may say nothing for hours."""
    silent = sum(not s.quality for s in heard.signals) if heard.seconds >= HEAR_S else 0
    return tr("; {n} without a sample within {seconds:g} s", n=silent, seconds=HEAR_S) if silent else ""


def _mapped_twice(configuration: Configuration) -> Iterator[Outcome]:
    """Find signals that several sources deliver: their samples would be mixed."""
    by_signal: dict[str, list[str]] = {}
    for source in [source for source in configuration.sources if source.live]:
        for signal in source.signals:
            by_signal.setdefault(signal, []).append(source.id)
    for signal, ids in by_signal.items():
        if len(ids) > 1:
            text = tr(
                "signal {signal} comes from {sources}: their samples are mixed; map it in one of them",
                signal=signal,
                sources=", ".join(ids),
            )
            yield Outcome(tr("mapping"), False, text, 1)


def _secret_files(configuration: Configuration) -> Iterator[Outcome]:
    """Warn of files with secrets that other users of this machine can read."""
    for path in open_secret_files(configuration):
        yield Outcome(tr("secrets"), True, open_secret_words(path), is_warning=True)


def _schedule(configuration: Configuration, now_ns: int) -> str:
    plan = load_plan(configuration)
    block = plan.block_at(now_ns)
    if block is None and any(source.kind in simulated_kinds() for source in configuration.sources):
        return tr("nothing is planned yet: 'kado run' adds the simulated machine's own calendar")
    if block is None:
        raise ConfigError(
            tr("the schedule has no block for the present time: import one with 'kado schedule import FILE'")
        )
    until = local(block.end_ns, configuration.profile.zone, offset=True)
    return tr("now {category}, until {time}", category=term(block.category.value), time=until)


def _fit(configuration: Configuration, now_ns: int) -> Iterator[Outcome]:
    """Warn of limits that no longer fit the beam, and of samples that come too seldom for how long they hold."""
    profile = configuration.profile
    limits, cadence = limit_warnings_now(profile, None, now_ns), None
    # What is wrong with the store was found before.
    with suppress(KadoError):
        if DataDir(configuration.data_dir).telemetry.exists():
            with open_store(configuration, patience_s=CONNECT_S) as store:
                limits = limit_warnings_now(profile, store.read, now_ns)
                cadence = cadence_now(profile, store, now_ns)
    for warning in limits:
        yield Outcome(tr("limits"), True, limit_words(warning), is_warning=True)
    if cadence is not None and cadence.is_too_slow:
        yield Outcome(tr("samples"), True, cadence_words(cadence), is_warning=True)


def checks_document(profile: Profile, outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """Return all checks for programs."""
    return {
        **identity(profile),
        "ok": all(o.ok for o in outcomes),
        "checks": [{"what": o.what, "ok": o.ok, "warning": o.is_warning, "detail": o.detail} for o in outcomes],
    }
