"""Copy a store and end, as a power cut would, at the n-th time that a step is reached.

Arguments: kado.toml of the one, kado.toml of the other, step (piece, landed, or one of sealing), n.
"""

import os
import signal
import sys
from pathlib import Path
from typing import Any

from collector.landing import Landing
from facility.time import system_clock
from kado.config import load_configuration
from kado.service.copying import copy_store
from storage.embedded.store import EmbeddedStore


def main() -> None:
    """Run until the step, or to the end if it is not reached."""
    source, target, step, times = sys.argv[1:]
    left = int(times)

    def reached(*_: object) -> None:
        nonlocal left
        left -= 1
        if not left:
            os.kill(os.getpid(), signal.SIGKILL)

    def then_reached(of: Any, name: str) -> None:
        work = getattr(of, name)

        def wrapped(*args: Any, **options: Any) -> Any:
            found = work(*args, **options)
            reached()
            return found

        setattr(of, name, wrapped)

    if step == "landed":
        then_reached(Landing, "land_now")
    elif step != "piece":
        opened = EmbeddedStore.__init__

        def watched(self: EmbeddedStore, *args: Any, **options: Any) -> None:
            options["at_step"] = lambda done: reached() if done == step else None
            opened(self, *args, **options)

        EmbeddedStore.__init__ = watched
    here, there = (load_configuration(Path(path)) for path in (source, target))
    if step == "piece":
        copy_store(here, there, system_clock, progress=reached)
    else:
        copy_store(here, there, system_clock)


if __name__ == "__main__":
    main()
