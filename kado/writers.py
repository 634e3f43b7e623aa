"""Opens what writes samples: the landing, and the forwarder that empties it into InfluxDB."""

import random

from collector.changes import Changes
from collector.delivery_policy import DeliveryPolicy
from collector.forwarder import Forwarder
from collector.landing import Landing
from collector.landing_observer import LandingObserver
from collector.landing_status import LandingLimits
from facility.time import Clock
from kado.config import Configuration


def make_landing(
    configuration: Configuration,
    clock: Clock,
    changes: Changes | None = None,
    observer: LandingObserver | None = None,
) -> Landing:
    """Lock the data directory and return its landing; the caller closes it.

    Raises
    ------
    LockedError
        If another process holds the data directory.
    """
    limits = LandingLimits(max_bytes=configuration.settings.landing.max_bytes)
    return Landing.open(
        configuration.data_dir,
        configuration.profile.id,
        configuration.backend.kind,
        clock,
        limits=limits,
        changes=changes,
        observer=observer,
    )


def make_forwarder(
    configuration: Configuration, clock: Clock, rng: random.Random, changes: Changes | None = None
) -> Forwarder | None:
    """Return the forwarder of a data directory whose landing is open; the caller closes it.

    None: what has landed is stored, and nothing is forwarded.
    """
    client = configuration.backend.open_delivery()
    if client is None:
        return None
    policy = DeliveryPolicy(rng.random)
    return Forwarder(configuration.data_dir, configuration.profile.id, client, clock, policy, changes=changes)
