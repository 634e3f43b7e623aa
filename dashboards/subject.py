"""What a set of dashboards is about: a facility, and the language of its readers."""

from dataclasses import dataclass

from facility.profile import Profile
from facility.signals import Signal
from facility.text import Language, Text


@dataclass(frozen=True, slots=True)
class Subject:
    """A facility, described in one language."""

    profile: Profile
    language: Language

    def say(self, en: str, ja: str) -> str:
        """Return the words in the language of the dashboards."""
        return Text(en=en, ja=ja).in_language(self.language)

    def label(self, signal: Signal) -> str:
        """Return a signal's name for people."""
        return signal.id if signal.label is None else signal.label.in_language(self.language)

    @property
    def name(self) -> str:
        """The facility's name."""
        return self.profile.name.in_language(self.language)

    @property
    def unit(self) -> str:
        """The delivery signal's unit, as Grafana takes it."""
        return unit_of(self.profile.delivery.unit)

    @property
    def stale_after_s(self) -> float:
        """Age at which a sample of the delivery signal holds no more."""
        stale_ns = self.profile.delivery.stale_after_ns
        return 60.0 if stale_ns is None else stale_ns / 1e9

    def has(self, signal: str) -> bool:
        """Whether the facility has a signal of that name."""
        return any(s.id == signal for s in self.profile.signals)


def unit_of(unit: str) -> str:
    """Return a unit as Grafana takes one that it does not know: shown behind the number, never scaled."""
    return f"suffix:{unit}" if unit else "none"
