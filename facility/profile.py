"""Facility profiles: what a facility is, measures and promises."""

from datetime import date
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, model_validator

from facility.distortion import Distortion
from facility.documents import build, read_toml
from facility.errors import ProfileError
from facility.limits import LimitStep, LimitTable
from facility.period import Period, parse_period
from facility.schedule import Plan
from facility.sentence import Sentence
from facility.shifts import DEFAULT_SHIFTS, ShiftStart, check_shifts
from facility.signals import Signal
from facility.slug import DefinitionId, Slug
from facility.text import Text
from facility.time import local_midnight


class Milestone(BaseModel):
    """A published step of the delivery signal."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, populate_by_name=True)

    since: date = Field(alias="from")
    value: float = Field(allow_inf_nan=False)
    """In the delivery signal's unit."""
    kind: Literal["user", "demonstrated"]
    """In user operation, or shown to be stable outside it."""
    cite: str


class Peer(BaseModel):
    """Another facility, as a published source compares it: its target and the time that it took to get there."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    name: Text
    target: float = Field(gt=0, allow_inf_nan=False)
    """In the delivery signal's unit."""
    time_to_target: Text | None = None
    """From the start of its operation, in the source's own words; None: not reached."""
    cite: str


class PortGroup(BaseModel):
    """Beamline ports that share a status and a use."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    status: Literal["operating", "building", "free"]
    use: Literal["shared", "coalition", "installer"] | None = None
    """Who they serve; None for free ports."""
    count: int = Field(gt=0)
    cite: str


class Beamline(BaseModel):
    """A beamline whose own hours are reported beside the machine's."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    id: Slug
    label: Text | None = None
    tag: str | None = None
    """Its user time is the calendar's blocks with this tag; None: all user time of the machine."""
    shutter: Slug | None = None
    """A state signal; None: its shutter is not recorded."""
    open: tuple[str, ...] = Field(default=("open",), strict=False, min_length=1)
    """Words of that signal for which light reaches the users."""


class Flag(BaseModel):
    """A yes or no that definitions may ask for, such as the permit to open shutters."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    signal: Slug
    """A state signal."""
    when: tuple[str, ...] = Field(strict=False, min_length=1)
    """Words of that signal for which the flag is set."""


class Profile(BaseModel):
    """A facility, as its TOML profile describes it."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, ignored_types=(cached_property,))

    id: Slug
    name: Text
    time_zone: str
    fiscal_year_starts_in: int = Field(default=4, ge=1, le=12)
    """Month, 1 to 12."""
    delivery_signal: Slug
    mode_signal: Slug | None = None
    """The machine's own mode, a state; never the denominator."""
    definition: DefinitionId = "nanoterasu"
    """The accounting definition used where none is asked for."""
    operation_started: date | None = None
    target: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    """In the delivery signal's unit."""
    stable_at_pct: float = Field(default=99.0, gt=0, le=100, allow_inf_nan=False)
    """Availability of a block that counts as stable at target."""
    target_availability_pct: float | None = Field(default=None, gt=0, le=100, allow_inf_nan=False)
    """What the facility promises for a year; None where it states none."""
    simulated: bool = False
    flags: dict[Slug, Flag] = Field(default_factory=dict)
    """By the name under which definitions ask for them."""
    references: dict[str, str | Text] = Field(default_factory=dict)
    """What a fact's `cite` points to."""
    names: dict[Slug, Text] = Field(default_factory=dict)
    """How reports call the calendar's tags and the systems of incidents."""
    signals: tuple[Signal, ...] = Field(alias="signal", strict=False, min_length=1)
    limit_steps: tuple[LimitStep, ...] = Field(alias="limits", strict=False, min_length=1)
    distortions: tuple[Distortion, ...] = Field(default=(), alias="distortion", strict=False)
    """What disturbs users while there is beam, besides low-beam."""
    milestones: tuple[Milestone, ...] = Field(default=(), alias="milestone", strict=False)
    peers: tuple[Peer, ...] = Field(default=(), alias="peer", strict=False)
    ports: tuple[PortGroup, ...] = Field(default=(), alias="ports", strict=False)
    beamlines: tuple[Beamline, ...] = Field(default=(), alias="beamline", strict=False)
    shifts: tuple[ShiftStart, ...] = Field(default=DEFAULT_SHIFTS, alias="shift", strict=False, min_length=1)
    """When shifts begin, for the handover."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        try:
            ZoneInfo(self.time_zone)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise ValueError(
                Sentence("time_zone {time_zone!r} is not an IANA zone such as 'Asia/Tokyo'", time_zone=self.time_zone)
            ) from error
        ids = [s.id for s in self.signals]
        if twice := sorted({i for i in ids if ids.count(i) > 1}):
            raise ValueError(Sentence("signal {twice!r} is described twice", twice=twice[0]))
        by_id = {s.id: s for s in self.signals}
        delivery = by_id.get(self.delivery_signal)
        if delivery is None or delivery.type != "number":
            raise ValueError(
                Sentence(
                    "delivery_signal {delivery_signal!r} is not one of the number signals: {ids}",
                    delivery_signal=self.delivery_signal,
                    ids=ids,
                )
            )
        if self.mode_signal is not None and by_id.get(self.mode_signal, delivery).type != "state":
            raise ValueError(
                Sentence(
                    "mode_signal {mode_signal!r} is not one of the state signals: {ids}",
                    mode_signal=self.mode_signal,
                    ids=ids,
                )
            )
        for signal in self.signals:
            if signal.witness is not None and signal.witness not in by_id:
                raise ValueError(
                    Sentence(
                        "signal {signal!r} names the witness {witness!r}, which is not a signal",
                        signal=signal.id,
                        witness=signal.witness,
                    )
                )
            if signal.witness is not None:
                witness = by_id[signal.witness]
                if witness.beam_above is None and witness.unit != signal.unit:
                    raise ValueError(
                        Sentence(
                            "witness {witness!r} is in {unit!r}, {signal!r} in {signal_unit!r}: give the witness a "
                            "beam_above in its own unit",
                            witness=witness.id,
                            unit=witness.unit,
                            signal=signal.id,
                            signal_unit=signal.unit,
                        )
                    )
        for name, flag in self.flags.items():
            words = by_id[flag.signal].words if flag.signal in by_id else ()
            if strange := [w for w in flag.when if w not in words]:
                raise ValueError(
                    Sentence(
                        "flag {name!r}: {strange!r} is not a word of signal {signal!r}: {words}",
                        name=name,
                        strange=strange[0],
                        signal=flag.signal,
                        words=list(words),
                    )
                )
        self._check_beamlines(by_id)
        names = [d.id for d in self.distortions]
        if twice := sorted({i for i in names if names.count(i) > 1}):
            raise ValueError(Sentence("distortion {twice!r} is described twice", twice=twice[0]))
        for distortion in self.distortions:
            distortion.check(by_id, self.delivery_signal)
        check_shifts(self.shifts)
        for fact in (*self.milestones, *self.peers, *self.ports):
            if fact.cite not in self.references:
                raise ValueError(
                    Sentence(
                        "cite {cite!r} is not among references: {references}",
                        cite=fact.cite,
                        references=sorted(self.references),
                    )
                )
        _ = self.limits
        return self

    @cached_property
    def zone(self) -> ZoneInfo:
        """The facility's own time zone."""
        return ZoneInfo(self.time_zone)

    @cached_property
    def earliest_ns(self) -> int:
        """Before this instant no signal can have been measured: operation had not started, and no limits held."""
        began = [step.since_ns(self.zone) for step in self.limit_steps]
        if self.operation_started is not None:
            began.append(local_midnight(self.operation_started, self.zone))
        return min(began)

    @cached_property
    def limits(self) -> LimitTable:
        """The delivery signal's limits over time."""
        return LimitTable.of(self.limit_steps, self.zone)

    @cached_property
    def delivery(self) -> Signal:
        """The signal that says whether beam is delivered."""
        return self.signal(self.delivery_signal)

    def _check_beamlines(self, by_id: dict[str, Signal]) -> None:
        names = [b.id for b in self.beamlines]
        if twice := sorted({i for i in names if names.count(i) > 1}):
            raise ValueError(Sentence("beamline {twice!r} is described twice", twice=twice[0]))
        for beamline in self.beamlines:
            if beamline.shutter is None:
                continue
            signal = by_id.get(beamline.shutter)
            if signal is None or signal.type != "state":
                raise ValueError(
                    Sentence(
                        "beamline {beamline!r}: shutter {shutter!r} is not a state signal of the profile",
                        beamline=beamline.id,
                        shutter=beamline.shutter,
                    )
                )
            if strange := [word for word in beamline.open if word not in signal.words]:
                raise ValueError(
                    Sentence(
                        "beamline {beamline!r}: {strange!r} is not a word of signal {signal!r}: {words}",
                        beamline=beamline.id,
                        strange=strange[0],
                        signal=signal.id,
                        words=list(signal.words),
                    )
                )

    @property
    def port_count(self) -> int:
        """All beamline ports."""
        return sum(g.count for g in self.ports)

    @property
    def operating_port_count(self) -> int:
        """The ports in operation."""
        return sum(g.count for g in self.ports if g.status == "operating")

    def signal(self, signal_id: str) -> Signal:
        """Return the signal of that name.

        Raises
        ------
        ProfileError
            If there is no such signal.
        """
        for signal in self.signals:
            if signal.id == signal_id:
                return signal
        known = ", ".join(s.id for s in self.signals)
        raise ProfileError(
            Sentence(
                "facility {facility} has no signal {signal!r}; it has {known}",
                facility=self.id,
                signal=signal_id,
                known=known,
            )
        )

    def period(self, text: str, plan: Plan | None = None) -> Period:
        """Read a period in the facility's zone and fiscal year, runs of `plan` included.

        Raises
        ------
        PeriodError
            If it is not one of them.
        """
        runs = plan.runs if plan is not None else None
        return parse_period(text, self.zone, fiscal_year_starts_in=self.fiscal_year_starts_in, runs=runs)


def shipped_profiles() -> tuple[str, ...]:
    """Return the ids of the profiles that come with kado."""
    return _shipped("profiles")


def load_profile(name: str, beside: Path | None = None) -> Profile:
    """Load a profile by the id of a shipped one, or from a file.

    Parameters
    ----------
    name
        Such as ``nanoterasu``, or the path of a TOML file (anything that ends in ``.toml``).
    beside
        The folder that a relative path starts from; None: the working folder.

    Raises
    ------
    ProfileError
        If there is no profile of that name, or it contradicts itself.
    """
    if name.endswith(".toml"):
        path = (beside or Path()) / name
        return build(Profile, read_toml(path, ProfileError), str(path), ProfileError)
    if name not in shipped_profiles():
        raise ProfileError(
            Sentence(
                "no profile {name!r}: use one of {names}, or the path of your own .toml file",
                name=name,
                names=", ".join(shipped_profiles()),
            )
        )
    with resources.as_file(resources.files("facility") / "profiles" / f"{name}.toml") as path:
        return build(Profile, read_toml(path, ProfileError), f"profile {name}", ProfileError)


def _shipped(folder: str) -> tuple[str, ...]:
    files = (resources.files("facility") / folder).iterdir()
    return tuple(sorted(f.name.removesuffix(".toml") for f in files if f.name.endswith(".toml")))
