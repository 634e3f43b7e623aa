"""Where an IOC listens, and what its records are called."""

import re
from collections.abc import MutableMapping
from dataclasses import dataclass

from facility.errors import ConfigError
from facility.profile import Profile
from facility.sentence import Sentence
from simulators.outlets.address import Address, port_number


@dataclass(frozen=True, slots=True)
class EpicsAddress:
    """Where an IOC listens, and what its records are called."""

    host: str
    ca_port: int
    pva_port: int
    pva_search_port: int
    prefix: str
    alarms: bool
    """Whether records alarm below the limits of user time."""

    @classmethod
    def parse(cls, url: str, profile: Profile, environment: MutableMapping[str, str]) -> "EpicsAddress":
        """Read ``epics://HOST:CA_PORT/PREFIX?pva_port=PORT&alarms=yes``; ports else from the environment, as IOCs do.

        Raises
        ------
        ConfigError
            If it is not an address.
        """
        address = Address.parse(url, "epics://127.0.0.1:5064/PREFIX:", ("pva_port", "alarms"))
        prefix = address.path or f"{profile.id.upper()}:"
        if not re.fullmatch(r"[A-Za-z0-9_\-:.;<>\[\]]+", prefix):
            raise ConfigError(
                Sentence(
                    "{url!r}: the prefix {prefix!r} has letters that no PV may have; use A-Z a-z 0-9 _ - : .",
                    url=url,
                    prefix=prefix,
                )
            )
        if (alarms := address.options.get("alarms", "no")) not in ("yes", "no"):
            raise ConfigError(
                Sentence("{url!r}: alarms={alarms!r}; write alarms=yes or alarms=no", url=url, alarms=alarms)
            )

        def port(names: tuple[str, ...], otherwise: int) -> int:
            named = next((name for name in names if environment.get(name)), None)
            return otherwise if named is None else port_number(environment[named], named)

        pva = address.options.get("pva_port")
        pva_port = (
            port(("EPICS_PVAS_SERVER_PORT", "EPICS_PVA_SERVER_PORT"), 5075)
            if pva is None
            else port_number(pva, "pva_port")
        )
        search = port(("EPICS_PVAS_BROADCAST_PORT", "EPICS_PVA_BROADCAST_PORT"), 5076) if pva is None else pva_port + 1
        ca_port = address.port or port(("EPICS_CAS_SERVER_PORT", "EPICS_CA_SERVER_PORT"), 5064)
        return cls(address.host, ca_port, pva_port, search, prefix, alarms == "yes")

    def set_environment(self, environment: MutableMapping[str, str]) -> None:
        """Let the servers, which read only the environment, listen and search at this address alone."""
        for server, port in (("CAS", self.ca_port), ("PVAS", self.pva_port)):
            environment[f"EPICS_{server}_SERVER_PORT"] = str(port)
            environment[f"EPICS_{server}_INTF_ADDR_LIST"] = self.host
            environment[f"EPICS_{server}_BEACON_ADDR_LIST"] = self.host
            environment[f"EPICS_{server}_AUTO_BEACON_ADDR_LIST"] = "NO"
        environment["EPICS_PVAS_BROADCAST_PORT"] = str(self.pva_search_port)
