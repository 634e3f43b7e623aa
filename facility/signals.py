"""What a facility measures."""

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from facility.sentence import Sentence
from facility.slug import Slug
from facility.text import Text
from facility.time import NS_PER_S, to_ns
from facility.word import word_problem

LINK_WORDS = ("up", "down")
"""The states of a source's link, stored as the state series ``<source>_link``."""

LINK_HEARTBEAT_NS = 10 * NS_PER_S
"""A link that stays up says so again this often."""

LINK_HOLD_NS = 3 * LINK_HEARTBEAT_NS
"""Without word for longer than this a link is no longer known to be up."""


def link_signal(source_id: str) -> str:
    """Return the name of the series that holds a source's link."""
    return f"{source_id}_link"


class Signal(BaseModel):
    """One measured quantity. Its type and unit never change under its name."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    id: Slug
    type: Literal["number", "state"] = "number"
    words: tuple[str, ...] = Field(default=(), strict=False)
    """The closed set of a state's words; append-only."""
    unit: str = ""
    period_s: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    """Time between samples; None for a signal that is sent on change only."""
    stale_after_s: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    """How long a sample holds; None: five periods, at least 10 s."""
    physical_max: float | None = Field(default=None, allow_inf_nan=False)
    """Above this a number cannot be true and the sample is treated as bad."""
    min_samples: int = Field(default=1, ge=1)
    """A run of fewer low samples than this is a glitch."""
    witness: Slug | None = None
    """Another signal that measures the same thing independently."""
    beam_above: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    """For a witness in another unit: below this it sees no beam. None: the delivery signal's ``minimum``."""
    label: Text | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.type == "state":
            if not self.words:
                raise ValueError(Sentence("signal {id!r} is a state and names no words: add words = [...]", id=self.id))
            if len(set(self.words)) != len(self.words):
                raise ValueError(
                    Sentence("signal {id!r} names a word twice: {words}", id=self.id, words=list(self.words))
                )
            for word in self.words:
                if problem := word_problem(word):
                    raise ValueError(
                        Sentence(
                            "signal {id!r}: the word {word!r} {problem}: use another word",
                            id=self.id,
                            word=word[:40],
                            problem=problem,
                        )
                    )
            if self.unit or self.physical_max is not None:
                raise ValueError(Sentence("signal {id!r} is a state: it has neither unit nor physical_max", id=self.id))
        elif self.words:
            raise ValueError(Sentence("signal {id!r} is a number: it has no words", id=self.id))
        if self.witness == self.id:
            raise ValueError(Sentence("signal {id!r} is its own witness: name another signal", id=self.id))
        return self

    @property
    def stale_after_ns(self) -> int | None:
        """How long a good sample holds, ns; None for change-driven: as long as its source's link is alive."""
        if self.stale_after_s is not None:
            return to_ns(self.stale_after_s)
        if self.period_s is not None:
            return to_ns(max(5 * self.period_s, 10.0))
        return None
