"""The outlets there are, by the scheme of their address."""

from typing import Final

from facility.errors import ConfigError
from facility.extras import needs_extra
from facility.sentence import Sentence
from facility.time import Clock
from simulators.machine import Machine
from simulators.outlets.outlet import Outlet

ADDRESSES: Final[dict[str, str]] = {
    "mqtt": "mqtt://HOST:1883",
    "epics": "epics://127.0.0.1:5064/PREFIX:",
    "tango": "tango://127.0.0.1:10000/kado/sim/1",
    "http": "http://127.0.0.1:8421",
}
"""How the address of each is written."""


def make_outlet(url: str, machine: Machine, now: Clock) -> Outlet:
    """Make the outlet that an address asks for; nothing listens yet.

    Parameters
    ----------
    now
        The simulated instant.

    Raises
    ------
    ConfigError
        If it is the address of none.
    MissingExtraError
        If what it needs is not installed.
    """
    # Each brings a library of its own: import only the one that is asked for.
    match url.partition("://")[0].lower():
        case "mqtt":
            from simulators.mqtt_publisher import Publisher, ring_topics

            return Publisher(url, ring_topics(machine.profile.id, machine.signals))
        case "epics":
            from simulators.outlets.epics_ioc import EpicsIoc

            return EpicsIoc(url, machine, now)
        case "tango":
            from simulators.outlets.tango_device import TangoDevice

            return TangoDevice(url, machine)
        case "http":
            with needs_extra("a simulated machine at an http:// address"):
                from simulators.outlets.http_json import HttpJson

            return HttpJson(url, machine, now)
        case _:
            raise ConfigError(
                Sentence(
                    "{url!r} is not an address to simulate to: write one of {names}",
                    url=url,
                    names=", ".join(ADDRESSES.values()),
                )
            )
