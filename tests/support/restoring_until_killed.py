"""Restore a backup and end, as a power cut would, at the n-th file that is checked or copied.

Arguments: backup, data directory, n.
"""

import os
import signal
import sys
from pathlib import Path

from storage.backup.restore import restore
from storage.backup.snapshots import read_snapshot


def main() -> None:
    """Run until then, or to the end if it is not reached."""
    backup, data_dir, times = sys.argv[1:]
    left = int(times)

    def progress(_: int, __: int) -> None:
        nonlocal left
        left -= 1
        if not left:
            os.kill(os.getpid(), signal.SIGKILL)

    restore(read_snapshot(Path(backup)), Path(data_dir), "ring", "embedded", progress)


if __name__ == "__main__":
    main()
