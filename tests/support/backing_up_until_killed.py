"""Make a backup and end, as a power cut would, at the n-th time that a step is done.

Arguments: data directory, folder of backups, step, n.
"""

import os
import signal
import sys
from pathlib import Path

from facility.time import system_clock
from storage.backup.backup import Backup, BackupStep


def main() -> None:
    """Run until the step, or to the end if it is not reached."""
    data_dir, folder, step, times = sys.argv[1:]
    left = int(times)

    def at_step(done: BackupStep) -> None:
        nonlocal left
        left -= done == step
        if not left:
            os.kill(os.getpid(), signal.SIGKILL)

    Backup(Path(data_dir), Path(folder), system_clock, at_step=at_step).make(simulated=True)


if __name__ == "__main__":
    main()
