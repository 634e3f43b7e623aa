"""The facility's beamline ports with their shutters."""

from collections.abc import Mapping
from typing import Any

from facility.profile import Profile
from facility.signals import Signal
from kado.service.newest import Newest


def port_documents(profile: Profile, newest: Mapping[str, Newest], now_ns: int) -> list[dict[str, Any]]:
    """Return each port, numbered from 1 in the profile's order, and whether light reaches its users.

    The ports in operation are the profile's beamlines, in order. A port without a beamline has a shutter where there
    is a state signal ``shutter_<number>``.
    """
    signals = {signal.id: signal for signal in profile.signals}
    statuses = [(group.status, group.use) for group in profile.ports for _ in range(group.count)]
    beamlines = iter(profile.beamlines)
    ports: list[dict[str, Any]] = []
    for number, (status, use) in enumerate(statuses or [("operating", None)] * len(profile.beamlines), 1):
        beamline = next(beamlines, None) if status == "operating" else None
        shutter = f"shutter_{number:02}" if beamline is None else beamline.shutter
        opened = ("open",) if beamline is None else beamline.open
        label = None if beamline is None else beamline.label
        ports.append(
            {
                "number": number,
                "status": status,
                "use": use,
                "beamline": None if beamline is None else beamline.id,
                "label": None if label is None else {"en": label.en, "ja": label.ja},
                "shutter": _shutter(signals.get(shutter or ""), newest, opened, now_ns),
            }
        )
    return ports


def _shutter(
    signal: Signal | None, newest: Mapping[str, Newest], opened: tuple[str, ...], now_ns: int
) -> dict[str, Any] | None:
    """Return the shutter's state; None where it is not recorded."""
    if signal is None:
        return None
    found = newest.get(signal.id)
    stale_ns = signal.stale_after_ns
    known = found is not None and found.known and found.good_ns is not None
    if known and stale_ns is not None and found is not None and found.good_ns is not None:
        known = now_ns < found.good_ns + stale_ns
    word = found.word if known and found is not None else None
    return {"signal": signal.id, "word": word, "open": None if word is None else word in opened}
