"""A change of accounts and counts in words, in the language of now."""

from decimal import Decimal

from analytics.effects import Effect
from facility.time import NS_PER_S
from kado.language import tr


def effect_words(effect: Effect) -> str:
    """Return a change of accounts and counts in a few words.

    Examples
    --------
    >>> effect_words(Effect(delivered_ns=600 * 10**9, no_beam_ns=-600 * 10**9, failures=-1))
    'delivered +600 s, no beam -600 s, failures -1'
    """
    times = {
        tr("delivered"): effect.delivered_ns,
        tr("no beam"): effect.no_beam_ns,
        tr("unknown"): effect.unknown_ns,
        tr("low beam"): effect.low_beam_ns,
        tr("excluded"): effect.excluded_ns,
    }
    counts = {tr("failures"): effect.failures, tr("trips"): effect.trips, tr("low beams"): effect.low_beams}
    words = [f"{name} {_seconds(ns)}" for name, ns in times.items() if ns]
    words += [f"{name} {number:+d}" for name, number in counts.items() if number]
    return ", ".join(words) or tr("nothing")


def _seconds(ns: int) -> str:
    seconds = (Decimal(ns) / NS_PER_S).normalize()
    return f"{seconds:+,f} s"
