"""Whether the configuration is right, and each part that it names reachable."""

import asyncio
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from facility.alarms import review
from facility.definition import load_definition
from facility.errors import ConfigError, KadoError, UnreachableError, UsageError
from facility.profile import Profile
from facility.source import Notice, SourceSpec
from facility.time import Clock
from kado.config import Configuration, PageSettings, is_loopback
from kado.output import local
from kado.queries.alarm_rules import load_alarm_rules
from kado.queries.identity import identity
from kado.queries.record import load_plan
from kado.source_kinds import delivers, is_live, simulated_kinds
from kado.stores import running_pid
from storage.data_dir import DataDir
from storage.telemetry_db import open_reader

CONNECT_S = 10.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one check found."""

    what: str
    ok: bool
    detail: str
    """What is there; of a problem, what is wrong and what to do."""
    exit_code: int = 0


def run_checks(configuration: Configuration, clock: Clock) -> Iterator[Outcome]:
    """Check everything that there is, one after another; a problem does not keep the others from being checked."""
    profile = configuration.profile
    kinds = ", ".join(f"{s.id} ({s.kind})" for s in configuration.sources) or "no source"
    yield Outcome("configuration", True, f"{configuration.path}: {kinds}")
    simulated = ", simulated" if profile.simulated else ""
    yield Outcome("facility", True, f"{profile.id}: {len(profile.signals)} signals{simulated}")
    yield _checked("definition", lambda: _definition(configuration))
    yield _checked("data directory", lambda: _data_dir(configuration))
    yield _checked("store", configuration.backend.check)
    if not configuration.sources:
        yield Outcome("sources", False, "there are none: add a [[source]] table to kado.toml", 1)
    for source in configuration.sources:
        yield from _source(configuration, source, clock)
    yield from _mapped_twice(configuration)
    yield from _secret_files(configuration)
    if configuration.sources and not any(delivers(s, profile.delivery_signal) for s in configuration.sources):
        hint = f"no source delivers {profile.delivery_signal}, which decides on availability: map it to one of them"
        yield Outcome("delivery signal", False, hint, 1)
    if configuration.settings.page is not None:
        yield _page(configuration.settings.page)
    yield _checked("schedule", lambda: _schedule(configuration, clock()))
    if configuration.settings.alarms is not None:
        yield _checked("alarms", lambda: _alarms(configuration))


def _checked(what: str, check: Callable[[], str]) -> Outcome:
    try:
        return Outcome(what, True, check())
    except KadoError as error:
        # Wrong configuration is a problem that was found here, not wrong use of this command.
        return Outcome(what, False, str(error), 1 if isinstance(error, UsageError) else error.exit_code)


def _definition(configuration: Configuration) -> str:
    definition = load_definition(configuration.profile.definition, configuration.folder)
    return f"{definition.id}: {definition.title.en}"


def _alarms(configuration: Configuration) -> str:
    rules = load_alarm_rules(configuration)
    doubtful = len(review(rules))
    hint = f", {doubtful} doubtful: see 'kado alarms rules --check'" if doubtful else ""
    return f"{len(rules)} rules{hint}"


def _data_dir(configuration: Configuration) -> str:
    path = configuration.data_dir
    nearest = next(p for p in (path, *path.parents) if p.exists())
    if not nearest.is_dir() or not os.access(nearest, os.W_OK | os.X_OK):
        raise ConfigError(f"{nearest} cannot be written: change its owner, or choose another data_dir")
    if not DataDir(path).telemetry.exists():
        return f"{path}: nothing collected yet"

    open_reader(path, configuration.profile.id, configuration.backend.kind).close()
    pid = running_pid(configuration)
    return f"{path}: no kado is running" if pid is None else f"{path}: kado is running, pid {pid}"


def _source(configuration: Configuration, source: SourceSpec, clock: Clock) -> Iterator[Outcome]:
    notices: tuple[Notice, ...] = ()

    def reach() -> str:
        nonlocal notices
        notices = asyncio.run(_connect(configuration, source.probe(), clock))
        signals = f"{len(source.signals)} signals" if source.signals else "all its signals"
        return f"{source.address or 'in this process'}: reachable, {signals}"

    yield _checked(f"source {source.id}", reach)
    for notice in notices:
        yield Outcome(f"source {source.id}", False, notice.text, 1)


def _mapped_twice(configuration: Configuration) -> Iterator[Outcome]:
    """Find signals that several sources deliver: their samples would be mixed."""
    by_signal: dict[str, list[str]] = {}
    for source in filter(is_live, configuration.sources):
        for signal in source.signals:
            by_signal.setdefault(signal, []).append(source.id)
    for signal, ids in by_signal.items():
        if len(ids) > 1:
            text = f"signal {signal!r} comes from {' and '.join(ids)}: their samples are mixed; map it in one of them"
            yield Outcome("mapping", False, text, 1)


def _secret_files(configuration: Configuration) -> Iterator[Outcome]:
    """Warn of files with secrets that other users of this machine can read."""
    files = [path for source in configuration.sources for path in source.secret_files]
    files += configuration.store.secret_files
    for path in dict.fromkeys(configuration.folder / file for file in files):
        with suppress(OSError):
            if path.stat().st_mode & 0o077:
                yield Outcome("secrets", True, f"warning: {path} can be read by others: run chmod 600 {path}")


async def _connect(configuration: Configuration, source: SourceSpec, clock: Clock) -> tuple[Notice, ...]:
    try:
        async with asyncio.timeout(CONNECT_S), source.connect(configuration.profile, clock) as reader:
            return reader.notices
    except TimeoutError as error:
        raise UnreachableError(f"source {source.id} did not answer within {CONNECT_S:g} s") from error


def _page(settings: PageSettings) -> Outcome:
    """Say what the page exposes, and to whom."""
    host = settings.listen.rpartition(":")[0]
    if not is_loopback(host):
        text = f"page.listen is {settings.listen!r}: without accounts the page listens on loopback only: use 127.0.0.1"
        return Outcome("page", False, text, 1)
    text = f"http://{settings.listen}/ shows figures, record and alarms to everybody on this machine; nobody can write"
    return Outcome("page", True, text)


def _schedule(configuration: Configuration, now_ns: int) -> str:
    plan = load_plan(configuration)
    block = plan.block_at(now_ns)
    if block is None and any(source.kind in simulated_kinds() for source in configuration.sources):
        return "nothing is planned yet: 'kado run' adds the simulated machine's own calendar"
    if block is None:
        raise ConfigError("nothing is planned for now: import a schedule with 'kado schedule import FILE'")
    until = local(block.end_ns, configuration.profile.zone, offset=True)
    return f"now {block.category.value}, until {until}"


def checks_document(profile: Profile, outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """Return all checks for programs."""
    return {
        **identity(profile),
        "ok": all(o.ok for o in outcomes),
        "checks": [{"what": o.what, "ok": o.ok, "detail": o.detail} for o in outcomes],
    }
