"""How the sources stand, a line each."""

from collections.abc import Mapping
from datetime import tzinfo

from collector.source_status import SourceStatus
from console.output import local


def link_lines(sources: Mapping[str, SourceStatus], zone: tzinfo) -> tuple[str, ...]:
    """Return a line for each source: connected or not, since when, and why it failed last."""
    return tuple(_line(source, status, zone) for source, status in sources.items())


def _line(source: str, status: SourceStatus, zone: tzinfo) -> str:
    words = status.state.words
    reconnects = f", {status.connects - 1} reconnects" if status.connects > 1 else ""
    error = f": {status.last_error}" if status.last_error and status.state != "up" else ""
    return f"{source} {words.en} {words.ja} since {local(status.since_ns, zone)[5:]}{reconnects}{error}"
