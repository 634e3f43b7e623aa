"""Further signals whose excursions disturb the users of a beam that is there: orbit, lifetime, size, filling."""

import math
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from facility.sentence import Sentence
from facility.signals import Signal
from facility.slug import Slug
from facility.text import Text
from facility.time import to_ns


class Distortion(BaseModel):
    """One ``[[distortion]]`` table of a profile: when the beam is there and still not as promised.

    A distortion, never downtime: it is counted in the mean time between distortions and changes no account.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    id: Slug
    signal: Slug
    """A signal of the profile, other than the delivery signal."""
    above: float | None = Field(default=None, allow_inf_nan=False)
    """Above this the beam is distorted; in the signal's unit."""
    below: float | None = Field(default=None, allow_inf_nan=False)
    """Below this the beam is distorted; in the signal's unit."""
    ends_below: float | None = Field(default=None, allow_inf_nan=False)
    """It is over once the signal is back at or below this; None: `above`."""
    ends_above: float | None = Field(default=None, allow_inf_nan=False)
    """It is over once the signal is back at or above this; None: `below`."""
    words: tuple[str, ...] = Field(default=(), strict=False)
    """For a state: the words that mean distorted."""
    delay_s: float = Field(default=0.0, ge=0, allow_inf_nan=False)
    """What a sample within the limits ends sooner than this has not been."""
    min_length_s: float = Field(default=0.0, ge=0, allow_inf_nan=False)
    """What disturbs less user time than this is listed as an excursion, and not counted."""
    label: Text | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        low, high = self.within
        if self.above is None and self.ends_below is not None:
            raise ValueError(
                Sentence("distortion {id!r} has ends_below and no above that it could be the end of", id=self.id)
            )
        if self.below is None and self.ends_above is not None:
            raise ValueError(
                Sentence("distortion {id!r} has ends_above and no below that it could be the end of", id=self.id)
            )
        if self.above is not None and high > self.above:
            raise ValueError(
                Sentence(
                    "distortion {id!r}: ends_below {high:g} must not exceed above {above:g}",
                    id=self.id,
                    high=high,
                    above=self.above,
                )
            )
        if self.below is not None and low < self.below:
            raise ValueError(
                Sentence(
                    "distortion {id!r}: ends_above {low:g} must not be less than below {below:g}",
                    id=self.id,
                    low=low,
                    below=self.below,
                )
            )
        if low > high:
            raise ValueError(
                Sentence(
                    "distortion {id!r} would never end: no value is at least {low:g} and at most {high:g}",
                    id=self.id,
                    low=low,
                    high=high,
                )
            )
        return self

    @property
    def within(self) -> tuple[float, float]:
        """The lowest and the highest value at which a distortion is over."""
        low = -math.inf if self.below is None else self.below
        high = math.inf if self.above is None else self.above
        return low if self.ends_above is None else self.ends_above, high if self.ends_below is None else self.ends_below

    @property
    def delay_ns(self) -> int:
        """`delay_s` in ns."""
        return to_ns(self.delay_s)

    @property
    def min_length_ns(self) -> int:
        """`min_length_s` in ns."""
        return to_ns(self.min_length_s)

    @property
    def name(self) -> Text:
        """What people call it."""
        return self.label or Text(en=self.id, ja=self.id)

    def check(self, signals: dict[str, Signal], delivery_signal: str) -> None:
        """Refuse a distortion that its signal cannot show.

        Raises
        ------
        ValueError
            Saying what of the table contradicts the signal.
        """
        signal = signals.get(self.signal)
        if signal is None:
            raise ValueError(
                Sentence(
                    "distortion {id!r}: signal {signal!r} is not one of {signals}",
                    id=self.id,
                    signal=self.signal,
                    signals=sorted(signals),
                )
            )
        if self.signal == delivery_signal:
            raise ValueError(
                Sentence(
                    "distortion {id!r} is on the delivery signal {signal!r}: its limits stand in "
                    "[[limits]], which make low-beam a distortion already",
                    id=self.id,
                    signal=self.signal,
                )
            )
        limits = [x for x in (self.above, self.below) if x is not None]
        if signal.type == "state":
            if limits or not self.words:
                raise ValueError(
                    Sentence(
                        "distortion {id!r}: signal {signal!r} is a state; name the words that mean distorted "
                        "among {words}, and neither above nor below",
                        id=self.id,
                        signal=self.signal,
                        words=list(signal.words),
                    )
                )
            if strange := [w for w in self.words if w not in signal.words]:
                raise ValueError(
                    Sentence(
                        "distortion {id!r}: {strange!r} is not a word of signal {signal!r}: {words}",
                        id=self.id,
                        strange=strange[0],
                        signal=self.signal,
                        words=list(signal.words),
                    )
                )
        elif self.words or not limits:
            raise ValueError(
                Sentence(
                    "distortion {id!r}: signal {signal!r} is a number; give above or below in its unit "
                    "{unit!r}, and no words",
                    id=self.id,
                    signal=self.signal,
                    unit=signal.unit,
                )
            )
