"""Writes docs/reference/metrics.md from the table of metrics.

Run it after a metric has changed: ``python docs/reference/write_metrics.py``.
"""

from pathlib import Path

from kado.service.metrics.names import METRICS

PAGE = Path(__file__).with_name("metrics.md")
HEAD = """\
# Metrics

Written by `docs/reference/write_metrics.py`; do not edit.

`kado run` serves these for Prometheus where `kado.toml` has a `[metrics]` table, with either store:

    [metrics]
    listen = "127.0.0.1:8421"

Loopback is the default: nobody is asked for a password there. Let Prometheus run on the same machine, or put a proxy
with authentication in front.

- `/metrics`: the metrics below, and those of the process (`process_*`, `python_*`).
- `/healthz`: 200 while the event loop runs, 503 when it is held up.
- `/readyz`: 200 when every source is linked, landing takes samples, the store answers and the figures are fresh; else
  503, with one reason a line.

Nothing of this touches the event loop: it is served by threads. A metric whose value is not known is absent, not
zero. The alarms' own metrics are described with the alarms.

| metric | kind | labels | meaning |
| --- | --- | --- | --- |
"""


def page() -> str:
    """Return the page as it should be."""
    rows = [
        f"| `{m.exposed}` | {m.kind} | {', '.join(f'`{name}`' for name in m.labels)} | {m.about} |" for m in METRICS
    ]
    return HEAD + "\n".join(rows) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
