"""When the facility first ran a block at the current that it aims for."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from analytics.target import TARGET_CATEGORIES, TargetRun, measure, target_level
from facility.definition import load_definition
from facility.errors import ProfileError
from facility.profile import Profile
from facility.schedule import Block, resolve
from facility.sentence import Sentence
from facility.time import NS_PER_DAY, Clock, format_time, local_midnight, system_clock
from kado.config import Configuration
from kado.queries.evidence import load_link
from kado.queries.identity import identity
from kado.queries.period_pieces import Progress
from kado.queries.record import AsOf, load_record, read_as_of
from kado.stores import open_store
from storage.store import TelemetryStore

_LOOKS: Final = 2_000
"""Pieces in which the highest value of the signal is looked at."""


@dataclass(frozen=True, slots=True)
class TimeToTarget:
    """The way from the start of operation to the target."""

    profile: Profile
    target: float
    """In the delivery signal's unit."""
    started_ns: int
    first: TargetRun | None
    """None where no block was stable at the target yet."""
    best: TargetRun | None
    """The block that was nearest, where none was stable."""
    blocks: int
    """How many blocks there were to look at."""

    @property
    def length_ns(self) -> int | None:
        """From the start of operation to the start of that block."""
        return None if self.first is None else self.first.block.start_ns - self.started_ns


def load_time_to_target(
    configuration: Configuration,
    definition: str | None = None,
    as_known_on: str | AsOf | None = None,
    *,
    clock: Clock = system_clock,
    progress: Progress | None = None,
) -> TimeToTarget:
    """Look at the user, study and tuning blocks since operation began, oldest first, until one was stable.

    `progress` is called with how many of the blocks were looked at.

    Raises
    ------
    ProfileError
        If the profile states no target, or not when operation began.
    """
    profile, now_ns = configuration.profile, clock()
    if profile.target is None or profile.operation_started is None:
        missing = "target" if profile.target is None else "operation_started"
        raise ProfileError(
            Sentence(
                "the profile of facility {facility} states no {missing}: add it to see the time to target",
                facility=profile.id,
                missing=missing,
            )
        )
    started_ns = local_midnight(profile.operation_started, profile.zone)
    chosen = load_definition(definition or profile.definition, configuration.folder)
    record = load_record(configuration, read_as_of(as_known_on, now_ns))
    plan = resolve(record.versions, notice_ns=chosen.notice_ns)
    blocks = [
        p.block
        for p in plan.planned
        if p.block.category in TARGET_CATEGORIES
        and not p.cancelled
        and started_ns <= p.block.start_ns
        and p.block.end_ns <= now_ns
    ]
    best: TargetRun | None = None
    signal = profile.delivery_signal
    with open_store(configuration) as store:
        highest = _Highest(store, signal, blocks)
        for looked_at, block in enumerate(blocks):
            if progress is not None:
                progress(looked_at, len(blocks))
            level = target_level(profile, profile.target, block)
            # A look at the highest value spares reading the blocks that were never near.
            if not highest.may_reach(level, block):
                continue
            if not np.any(store.buckets(signal, block.start_ns, block.end_ns, 1).max >= level):
                continue
            samples = store.read(signal, block.start_ns, block.end_ns, hold=True)
            cuts = load_link(configuration, store.read, block.start_ns, block.end_ns).cuts
            run = measure(profile, chosen, plan, block, level, samples, cuts)
            if run.is_stable(profile.stable_at_pct):
                return TimeToTarget(profile, profile.target, started_ns, run, run, len(blocks))
            if best is None or run.surely_pct > best.surely_pct:
                best = run
    return TimeToTarget(profile, profile.target, started_ns, None, best, len(blocks))


class _Highest:
    """The highest values of a signal since the first of some blocks, from one look at the store."""

    def __init__(self, store: TelemetryStore, signal: str, blocks: Sequence[Block]) -> None:
        self._buckets = None
        if blocks:
            self._buckets = store.buckets(signal, blocks[0].start_ns, max(b.end_ns for b in blocks), _LOOKS)

    def may_reach(self, level: float, block: Block) -> bool:
        """Return whether a value may be as high in a block: false only where none is."""
        b = self._buckets
        if b is None:
            return False
        touching = (b.start_ns < block.end_ns) & (b.start_ns + b.width_ns > block.start_ns)
        return bool(np.any(b.max[touching] >= level))


def target_document(found: TimeToTarget) -> dict[str, Any]:
    """Return the same for programs."""
    zone = found.profile.zone
    return {
        **identity(found.profile),
        "target": found.target,
        "unit": found.profile.delivery.unit,
        "stable_at_pct": found.profile.stable_at_pct,
        "operation_started": format_time(found.started_ns, zone),
        "time_to_target_end_days": None
        if found.first is None
        else (found.first.block.end_ns - found.started_ns) / NS_PER_DAY,
        "time_to_target_days": None if found.length_ns is None else found.length_ns / NS_PER_DAY,
        "first": _document(found, found.first),
        "nearest": _document(found, found.best),
        "blocks": found.blocks,
    }


def _document(found: TimeToTarget, run: TargetRun | None) -> dict[str, Any] | None:
    if run is None:
        return None
    zone = found.profile.zone
    return {
        "start": format_time(run.block.start_ns, zone),
        "end": format_time(run.block.end_ns, zone),
        "category": run.block.category.value,
        "level": run.level,
        "at_target_pct": run.at_target_pct,
        "coverage_pct": run.coverage_pct,
    }
