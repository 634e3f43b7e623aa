"""Keep alarms going with samples that raise and clear them, writing a line for each row once it is durable.

Arguments: the folder of kado.toml, a seed.
"""

import json
import os
import random
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from analytics.alarms import Engine
from collector.arrival import Arrival
from facility.alarms import Transition
from facility.batch import Batch
from facility.errors import UnreachableError
from facility.time import system_clock
from kado.config import load_configuration
from kado.service.alarm_facts import FactSources
from kado.service.alarms import Alarms

ALARMS = 12
SIGNALS = ("stored_current", "beam_lifetime", "vacuum_pressure")


def rules() -> str:
    """Return rules on three signals, some with delays, some without a latch."""
    text = '{ en = "t", ja = "t" }'
    parts: list[str] = []
    for i in range(ALARMS):
        parts.append(
            f'[[alarm]]\nid = "a{i}"\ntitle = {text}\nconsequence = {text}\naction = {text}\npriority = "high"\n'
            f'class = "c"\nrespond_within_s = 600\nchatter_count = 0\nlatch = {str(i % 3 != 0).lower()}\n'
            f"on_delay_s = {0.05 * (i % 2)}\n"
            f'when = {{ kind = "limit", signal = "{SIGNALS[i % 3]}", above = {float(i)} }}\n'
        )
    # One that is always suppressed, and one of which nothing is known.
    parts.append(parts[0].replace('id = "a0"', 'id = "off_plan"') + 'in_plan = ["user"]\n')
    parts.append(parts[0].replace('id = "a0"', 'id = "unseen"').replace(SIGNALS[0], "orbit_x_rms"))
    return "\n".join(parts)


class Writer:
    """Writes what it is told, at once."""

    def changed(self, transitions: Sequence[Transition], engine: Engine) -> None:
        for t in transitions:
            if t.journaled:
                line = json.dumps([t.alarm, t.seq, t.time_ns, t.from_state.value, t.to_state.value, t.by])
                os.write(1, f"{line}\n".encode())


def main() -> None:
    """Run until killed."""
    os.chdir(sys.argv[1])
    chance = random.Random(int(sys.argv[2]))

    def status() -> None:
        raise UnreachableError("no service around it")

    configuration = load_configuration(Path("kado.toml"))
    alarms = Alarms(configuration, system_clock, FactSources(status, lambda: None))  # type: ignore[arg-type]  # a stand-in with what is asked of it
    alarms.listeners.append(Writer())
    while True:
        for signal in SIGNALS:
            value = chance.uniform(-2.0, ALARMS + 2.0)
            batch = Batch.of_numbers(configuration.profile.id, signal, [system_clock()], [value])
            alarms.inbox.landed([Arrival("ring", batch)], 0.0)
        alarms.look()
        time.sleep(0.002)


if __name__ == "__main__":
    main()
