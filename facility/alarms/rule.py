"""One alarm rule, as data."""

from datetime import date
from functools import lru_cache
from typing import Annotated, Any, Final, Self, cast

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from facility.alarms.conditions import Condition
from facility.alarms.states import Priority
from facility.nearest import nearest
from facility.schedule import Category
from facility.sentence import Sentence
from facility.shared_keys import SharedKeys
from facility.slug import Slug
from facility.text import Text
from facility.time import to_ns


def _check_priority(value: object) -> object:
    words = [p.value for p in Priority]
    if isinstance(value, str) and value not in words:
        raise ValueError(Sentence("{value!r} is not a priority; {nearest}", value=value, nearest=nearest(value, words)))
    return value


def _check_categories(value: object) -> object:
    words = [c.value for c in Category]
    if isinstance(value, list | tuple):
        for word in value:  # pyright: ignore[reportUnknownVariableType]  # a list out of TOML, its items not known
            if isinstance(word, str) and word not in words:
                raise ValueError(
                    Sentence(
                        "{word!r} is not a category of the plan; {nearest}", word=word, nearest=nearest(word, words)
                    )
                )
    return value  # pyright: ignore[reportUnknownVariableType]  # a list out of TOML, its items not known


def _not_empty(text: Text) -> Text:
    if not text.en.strip() or not text.ja.strip():
        raise ValueError(Sentence("it is empty: write it in both languages"))
    return text


@lru_cache(maxsize=4096)
def _shared(text: Text) -> Text:
    """Return one object for equal texts: of thousands of rules many have those of their class."""
    return text


_LONGEST_S = 100 * 365.25 * 86_400

MOST_RAISES: Final = 100
"""So many raises of an alarm are remembered, for chattering."""

SharedText = Annotated[Text, AfterValidator(_shared)]
Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Categories = Annotated[
    tuple[Annotated[Category, Field(strict=False)], ...],
    BeforeValidator(_check_categories),
    Field(strict=False, min_length=1),
]


class AlarmRule(SharedKeys):
    """When a person must act, why, and what to do."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, populate_by_name=True)

    id: Slug
    """Permanent identity: acknowledgements and history refer to it."""
    title: SharedText
    priority: Annotated[Annotated[Priority, Field(strict=False)], BeforeValidator(_check_priority)]
    class_: Slug = Field(alias="class")
    cause: SharedText | None = None
    consequence: SharedText
    action: SharedText
    """What to do: an alarm without it is no alarm."""
    respond_within_s: Positive
    display: str | None = None
    """Where to look."""
    owner: str | None = None
    """Who answers for the rule."""
    reviewed: date | None = None
    """When it was last rationalised."""
    when: Condition
    on_delay_s: Seconds = 0.0
    """How long the condition must last."""
    off_delay_s: Seconds = 0.0
    """How long it must be gone."""
    latch: bool = True
    """Whether it stays on the list after it is over, until somebody acknowledges."""
    realarm_after_s: Positive | None = None
    """Acknowledged and still there after this: once more; None: never."""
    in_plan: Categories | None = None
    """Armed in these categories of the plan only; None: always."""
    in_mode: tuple[str, ...] | None = Field(default=None, strict=False, min_length=1)
    """Armed while the mode signal says one of these, or nothing; None: always."""
    inhibited_by: tuple[Slug, ...] = Field(default=(), strict=False)
    """Alarms that suppress this one."""
    chatter_count: int = Field(default=3, ge=0, le=MOST_RAISES)
    """So many raises within `chatter_within_s` are chattering; 0 is off."""
    chatter_within_s: Positive = 60.0
    shelve_max_h: Positive = 8.0
    """The longest shelf."""
    notify: tuple[str, ...] | None = Field(default=None, strict=False)
    """Names of targets; None: those of ``[alarms] notify``."""

    @model_validator(mode="after")
    def _complete(self) -> Self:
        for key in ("title", "consequence", "action"):
            try:
                _not_empty(getattr(self, key))
            except ValueError as error:
                raise ValueError(Sentence("alarm {id!r}: {key}: {error}", id=self.id, key=key, error=error)) from error
        if self.id in self.inhibited_by:
            raise ValueError(Sentence("alarm {id!r} is inhibited by itself: name another alarm", id=self.id))
        for key in ("on_delay_s", "off_delay_s", "chatter_within_s", "respond_within_s"):
            if getattr(self, key) > _LONGEST_S:
                raise ValueError(
                    Sentence(
                        "alarm {id!r}: {key} = {getattr:g} is more than a century",
                        id=self.id,
                        key=key,
                        getattr=getattr(self, key),
                    )
                )
        return self

    @property
    def on_delay_ns(self) -> int:
        """`on_delay_s` in ns."""
        return to_ns(self.on_delay_s)

    @property
    def off_delay_ns(self) -> int:
        """`off_delay_s` in ns."""
        return to_ns(self.off_delay_s)

    @property
    def realarm_after_ns(self) -> int | None:
        """`realarm_after_s` in ns."""
        return None if self.realarm_after_s is None else to_ns(self.realarm_after_s)

    @property
    def chatter_within_ns(self) -> int:
        """`chatter_within_s` in ns."""
        return to_ns(self.chatter_within_s)

    @property
    def shelve_max_ns(self) -> int:
        """`shelve_max_h` in ns."""
        return to_ns(self.shelve_max_h * 3600)


class AlarmClass(BaseModel):
    """A ``[[class]]`` table: defaults for the rules of a class."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    id: Slug
    title: Text | None = None
    """The name of the class itself; no default of its rules."""
    priority: str | None = None
    cause: Text | None = None
    consequence: Text | None = None
    action: Text | None = None
    respond_within_s: Positive | None = None
    display: str | None = None
    owner: str | None = None
    reviewed: date | None = None
    on_delay_s: Seconds | None = None
    off_delay_s: Seconds | None = None
    latch: bool | None = None
    realarm_after_s: Positive | None = None
    in_plan: Categories | None = None
    in_mode: tuple[str, ...] | None = Field(default=None, strict=False, min_length=1)
    inhibited_by: tuple[Slug, ...] | None = Field(default=None, strict=False)
    chatter_count: int | None = Field(default=None, ge=0, le=MOST_RAISES)
    chatter_within_s: Positive | None = None
    shelve_max_h: Positive | None = None
    notify: tuple[str, ...] | None = Field(default=None, strict=False)


class AlarmFile(BaseModel):
    """A rules file."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    classes: tuple[AlarmClass, ...] = Field(default=(), alias="class", strict=False)
    alarms: tuple[AlarmRule, ...] = Field(default=(), alias="alarm", strict=False)


def with_class_defaults(document: dict[str, Any]) -> dict[str, Any]:
    """Return a rules document in which each rule bears the defaults of its class; a rule's own key wins.

    A class described in several files is joined, the later file's key winning. What is not a table stays as it is:
    the model refuses it.
    """
    classes: dict[str, dict[str, Any]] = {}
    for table in _tables(document.get("class")):
        defaults = {k: v for k, v in table.items() if k not in ("id", "title")}
        classes.setdefault(str(table.get("id")), {}).update(defaults)
    alarms = document.get("alarm")
    if not isinstance(alarms, list):
        return document
    filled: list[Any] = []
    for rule in cast("list[Any]", alarms):
        if isinstance(rule, dict):
            own = cast("dict[str, Any]", rule)
            filled.append({**classes.get(str(own.get("class")), {}), **own})
        else:
            filled.append(rule)
    return {**document, "alarm": filled}


def _tables(found: object) -> list[dict[str, Any]]:
    if not isinstance(found, list):
        return []
    return [cast("dict[str, Any]", table) for table in cast("list[Any]", found) if isinstance(table, dict)]
