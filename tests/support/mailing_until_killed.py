"""Send what is in the outbox as fast as the target takes it, until killed.

Argument: the folder of kado.toml.
"""

import os
import random
import sys
import time

from kado.config import load_configuration
from kado.service.notification.sending import Notifications


def main() -> None:
    """Run until killed."""
    os.chdir(sys.argv[1])
    (runner,) = Notifications.open(load_configuration(), time.time_ns, random.Random(1)).runners
    while True:
        runner.step()


if __name__ == "__main__":
    main()
