"""An IOC whose PVs count, and the tables of the sources that read it."""

import os
import signal
from typing import Any

from conversation import Conversation
from servers import free_port


class CountingIoc:
    """PVs ``C:N_0000`` and so on, each one more with every scan, and the array ``C:WAVE``."""

    def __init__(self, count: int, scan: str) -> None:
        self.ca_port, self.pva_port = free_port(), free_port()
        self._process = Conversation("counting_ioc.py", str(self.ca_port), str(self.pva_port), str(count), scan)
        self._process.ask("ready")

    def place(self, kind: str) -> dict[str, Any]:
        """Return what says where the IOC is, for a source of a kind."""
        if kind == "epics_ca":
            return {"addresses": [f"127.0.0.1:{self.ca_port}"]}
        return {"name_servers": [f"127.0.0.1:{self.pva_port}"]}

    def table(self, kind: str, count: int) -> dict[str, Any]:
        """Return the source that reads so many of them, in one line."""
        numbered = {"pv": "C:N_{port}", "signal": "n_{port}", "ports": [f"0000..{count - 1:04}"]}
        return {"id": "ring", "kind": kind, "connect_timeout_s": 30.0, **self.place(kind), "signal": [numbered]}

    def hang(self) -> None:
        """Let it stand still: its connections stay."""
        os.kill(self._process.pid, signal.SIGSTOP)

    def go_on(self) -> None:
        """Let it run again."""
        os.kill(self._process.pid, signal.SIGCONT)

    def close(self) -> None:
        """End it, also where it hangs."""
        self.go_on()
        self._process.close()
