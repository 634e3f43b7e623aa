"""What `kado store init` made and found."""

from typing import Any

from rich.console import RenderableType

from console.output import table, title
from console.store_setup import Setup
from facility.profile import Profile
from facility.time import NS_PER_DAY, NS_PER_H
from storage.influxdb.administration import BucketOutcome, Found


def setup_table(profile: Profile, setup: Setup) -> list[RenderableType]:
    """Return a line for each bucket, and one for the token."""
    rows = table(["", "name", "state", "keeps"])
    for bucket in setup.buckets:
        rows.add_row("bucket", bucket.name, bucket.found.value, _keeps(bucket))
    if setup.token_file is not None:
        state = "made" if setup.token_made else "there already"
        rows.add_row("token", setup.token_file.name, state, "reads and writes these buckets")
    return [title(profile, f"InfluxDB at {setup.url}, organisation {setup.org}"), rows]


def setup_document(profile: Profile, setup: Setup) -> dict[str, Any]:
    """Return the same for programs."""
    return {
        "facility": profile.id,
        "simulated": profile.simulated,
        "url": setup.url,
        "org": setup.org,
        "buckets": [
            {
                "name": bucket.name,
                "state": bucket.found.name.lower(),
                "retention_s": _seconds(bucket.wanted_ns),
                "found_retention_s": _seconds(bucket.before_ns),
            }
            for bucket in setup.buckets
        ],
        "token_file": None if setup.token_file is None else str(setup.token_file),
        "token_made": setup.token_made,
    }


def _keeps(bucket: BucketOutcome) -> str:
    if bucket.found is Found.DIFFERS:
        return f"{_duration(bucket.before_ns)}; kado.toml says {_duration(bucket.wanted_ns)}"
    if bucket.found is Found.CHANGED:
        return f"{_duration(bucket.wanted_ns)}, before {_duration(bucket.before_ns)}"
    return _duration(bucket.wanted_ns)


def _duration(ns: int | None) -> str:
    if ns is None:
        return "for ever"
    return f"{ns // NS_PER_DAY} days" if ns % NS_PER_DAY == 0 else f"{ns / NS_PER_H:g} h"


def _seconds(ns: int | None) -> int | None:
    return None if ns is None else ns // 1_000_000_000
