"""What makes a figure less trustworthy than it looks, in the language of now, each with what to do."""

from analytics.cadence import Cadence
from analytics.limits_age import FarAboveLimits, LimitWarning
from facility.time import NS_PER_DAY, NS_PER_S
from kado.language import tr


def limit_words(found: LimitWarning) -> str:
    """Return what speaks against the limits of a facility."""
    if isinstance(found, FarAboveLimits):
        return tr(
            "{signal} was far above its limits for {days:.1f} days: up to {highest:g} {unit} with nominal = "
            "{nominal:g} {unit}, so a beam of much less counts as full; add a [[limits]] table for the current that is "
            "run now",
            signal=found.signal,
            days=found.time_ns / NS_PER_DAY,
            highest=found.highest,
            nominal=found.nominal,
            unit=found.unit,
        )
    milestone = found.milestone
    demonstrated = tr("demonstrated") if milestone.kind == "demonstrated" else tr("in user operation")
    return tr(
        "the limits are from {limits_from}, and the profile has a later milestone: {value:g} {unit} ({kind}) from "
        "{since}; add a [[limits]] table from then on, or check that the limits still hold",
        limits_from=found.limits_from.isoformat(),
        value=milestone.value,
        unit=found.unit,
        kind=demonstrated,
        since=milestone.since.isoformat(),
    )


def cadence_words(found: Cadence) -> str:
    """Return that samples come too seldom for how long each holds, and what would suit.

    Examples
    --------
    >>> s = NS_PER_S
    >>> print(cadence_words(Cadence("stored_current", 10 * s, 10 * s, 1000 * s, 410 * s)))
    samples of stored_current come every 10.0 s and hold for 10 s: 41 % of the time is unknown for that reason alone; \
stale_after_s = 25 would suit
    """
    return tr(
        "samples of {signal} come every {spacing:.1f} s and hold for {hold:g} s: {share:.2g} % of the time is unknown "
        "for that reason alone; stale_after_s = {suits:g} would suit",
        signal=found.signal,
        spacing=found.spacing_ns / NS_PER_S,
        hold=found.stale_after_ns / NS_PER_S,
        share=found.unknown_pct,
        suits=found.would_suit_s,
    )
