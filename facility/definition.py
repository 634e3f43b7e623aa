"""Accounting definitions: the rules of the number, as data.

Facilities count differently, and the same log gives three values of MTBF. Limits in mA are the facility's;
rules are the definition's; a figure is never printed without the name of its definition.
"""

from enum import StrEnum
from importlib import resources
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from facility.documents import build, read_toml
from facility.errors import DefinitionError
from facility.sentence import Sentence
from facility.slug import DefinitionId, Slug
from facility.text import Text
from facility.time import to_ns


class EndLimit(StrEnum):
    """The limit at which an outage is over."""

    NOMINAL = "nominal"
    RECOVERED = "recovered"
    MINIMUM = "minimum"


class Mtbf(StrEnum):
    """How the mean time between failures is computed; N is the number of failures."""

    USER_TIME_PER_FAILURES_PLUS_ONE = "user_time_per_failures_plus_one"
    """user time / (N + 1): SLS."""
    USER_TIME_PER_FAILURE = "user_time_per_failure"
    """user time / N: ESRF, SIRIUS."""
    KNOWN_UPTIME_PER_FAILURE = "known_uptime_per_failure"
    """(user time - no-beam) / N: APS, CEBAF."""


class Definition(BaseModel):
    """One facility's way of counting."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    id: DefinitionId
    title: Text
    references: tuple[str, ...] = Field(strict=False, min_length=1)
    no_beam_ends_at: EndLimit = Field(default=EndLimit.RECOVERED, strict=False)
    """The limit that the delivery signal must reach again for an outage to be over."""
    min_duration_s: float = Field(default=3.0, ge=0, allow_inf_nan=False)
    """A low run is a glitch if a good sample at or above the limit is stamped sooner than this."""
    min_samples: int = Field(default=1, ge=1)
    """A low run of fewer samples is a glitch; where the signal asks for more, that counts."""
    merge_gap_s: float = Field(default=0.0, ge=0, allow_inf_nan=False)
    """Outages closer than this are one; 0 is off."""
    no_beam_below_fraction: float | None = Field(default=None, gt=0, le=1, allow_inf_nan=False)
    """No-beam begins below this part of nominal, in place of the facility's ``minimum``."""
    requires: tuple[Slug, ...] = Field(default=(), strict=False)
    """Flags of the facility that must be set for beam to count as delivered (APS: the shutter permit)."""
    fails_on: tuple[Slug, ...] = Field(default=(), strict=False)
    """Flags of the facility that, set, mean no beam whatever the current is (SIRIUS: its fault flag)."""
    limits_frozen_in_runs: bool = False
    """Within a run of the schedule the limits stay as they were at its start."""
    trip_below_s: float = Field(default=0.0, ge=0, allow_inf_nan=False)
    """Outages that cost less user time than this are trips, counted apart from failures; 0 is off."""
    trips_are_downtime: bool = True
    """Whether the time of trips counts as no-beam."""
    notice_days: float = Field(default=30.0, ge=0, allow_inf_nan=False)
    """User time cancelled later than this before its start stays user time, without beam."""
    refill_is_delivered: bool = True
    """Whether time in which the machine's mode is ``refill`` counts as delivered."""
    further_distortions: Literal["all", "none"] | Annotated[tuple[Slug, ...], Field(strict=False)] = "all"
    """Which of the facility's ``[[distortion]]`` are counted as distortions beside failures, trips and low-beams; ids
    that the facility does not have count nothing."""
    mtbf: Mtbf = Field(default=Mtbf.USER_TIME_PER_FAILURE, strict=False)

    @field_validator("further_distortions", mode="before")
    @classmethod
    def _all_none_or_a_list(cls, value: object) -> object:
        if isinstance(value, str) and value not in ("all", "none"):
            raise ValueError(
                Sentence(
                    "{value!r} is neither 'all' nor 'none'; for that distortion alone write [{value!r}]", value=value
                )
            )
        return value

    def counts(self, distortion: str) -> bool:
        """Whether a further distortion of that id is counted."""
        if isinstance(self.further_distortions, str):
            return self.further_distortions == "all"
        return distortion in self.further_distortions

    @property
    def min_duration_ns(self) -> int:
        """`min_duration_s` in ns."""
        return to_ns(self.min_duration_s)

    @property
    def trip_below_ns(self) -> int:
        """`trip_below_s` in ns."""
        return to_ns(self.trip_below_s)

    @property
    def notice_ns(self) -> int:
        """`notice_days` in ns, of 24 hours each."""
        return to_ns(self.notice_days * 86_400)

    @property
    def merge_gap_ns(self) -> int:
        """`merge_gap_s` in ns."""
        return to_ns(self.merge_gap_s)


def shipped_definitions() -> tuple[str, ...]:
    """Return the ids of the definitions that come with kado."""
    files = (resources.files("facility") / "definitions").iterdir()
    return tuple(sorted(f.name.removesuffix(".toml") for f in files if f.name.endswith(".toml")))


def own_definitions(folder: Path) -> tuple[str, ...]:
    """Return the ids of the definitions in ``definitions/`` below `folder`, the one that holds ``kado.toml``."""
    return tuple(sorted(p.stem for p in (folder / "definitions").glob("*.toml")))


def load_definition(name: str, folder: Path | None = None) -> Definition:
    """Load a definition by id: an own one in ``definitions/`` below `folder`, or one that comes with kado.

    Raises
    ------
    DefinitionError
        If there is no such definition, its id is not its file's name, or it contradicts itself.
    """
    own = own_definitions(folder) if folder is not None else ()
    if folder is not None and name in own:
        path = folder / "definitions" / f"{name}.toml"
        definition = build(Definition, read_toml(path, DefinitionError), str(path), DefinitionError)
    elif name in shipped_definitions():
        with resources.as_file(resources.files("facility") / "definitions" / f"{name}.toml") as path:
            definition = build(Definition, read_toml(path, DefinitionError), f"definition {name}", DefinitionError)
    else:
        known = ", ".join(sorted({*shipped_definitions(), *own}))
        raise DefinitionError(
            Sentence(
                "no definition {name!r}: use one of {known}, or add definitions/{name}.toml", name=name, known=known
            )
        )
    if definition.id != name:
        raise DefinitionError(
            Sentence(
                "the definition in {name}.toml calls itself {definition!r}: make them the same",
                name=name,
                definition=definition.id,
            )
        )
    return definition
