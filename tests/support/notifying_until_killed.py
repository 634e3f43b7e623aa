"""Post what is in the outbox, say so, and wait to be killed before it is settled.

Argument: the folder of kado.toml.
"""

import os
import random
import sys
import time
from typing import Any

from kado.config import load_configuration
from kado.service.notification.sending import Notifications
from storage.telemetry_db.alarm_notifications import NotificationFile


def main() -> None:
    """Run until killed."""
    os.chdir(sys.argv[1])

    def wait_for_the_kill(*_: Any) -> None:
        os.write(1, b"posted\n")
        time.sleep(60)

    NotificationFile.settle = wait_for_the_kill  # type: ignore[method-assign]  # replaced on purpose
    (runner,) = Notifications.open(load_configuration(), time.time_ns, random.Random(1)).runners
    runner.step()


if __name__ == "__main__":
    main()
