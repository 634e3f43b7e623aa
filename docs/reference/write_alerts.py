"""Writes docs/reference/alerts.md from the rules for kado itself.

Run it after a rule has changed: ``python docs/reference/write_alerts.py``.
"""

import re
from pathlib import Path

from dashboards.rules.rule import Alert
from dashboards.rules.service import ALERTS

PAGE = Path(__file__).with_name("alerts.md")
HEAD = """\
# Alerts on kado itself アラート

Written by `docs/reference/write_alerts.py` from the rules in `dashboards/rules/service.py`; do not edit.

These rules are for Prometheus, in `dashboards/rules/kado.yml`; they watch kado, not the machine. What kado watches of
the machine are its own alarms. KadoSourceLinkDown and KadoDataStale are armed in planned user time only, so that they
are silent in shutdown, study, maintenance and where nothing is planned.

運転計画で利用時間とされている間だけ、KadoSourceLinkDown と KadoDataStale は有効です。
"""


def page() -> str:
    """Return the page as it should be."""
    return "\n".join([HEAD, *(_section(alert) for alert in ALERTS)])


def _section(alert: Alert) -> str:
    rows = [
        f"## {alert.name}",
        "",
        f"{_plain(alert.summary.en)} / {_plain(alert.summary.ja)}",
        "",
        f"- severity {alert.severity}, for {alert.role}, after {alert.lasts}",
        f"- expression: `{alert.expression}`",
        f"- {_plain(alert.meaning.en)}",
        f"- What to do: {_plain(alert.action.en)}",
        f"- {_plain(alert.meaning.ja)}",
        f"- 対応：{_plain(alert.action.ja)}",
        "",
    ]
    return "\n".join(rows)


def _plain(text: str) -> str:
    """Return a text without what Prometheus fills in."""
    text = re.sub(r" ?[(（]\{\{ \$value(?: \| \w+)? \}\}[)）]", "", text)
    text = re.sub(r"\{\{ \$value(?: \| \w+)? \}\} ?", "", text)
    return re.sub(r"\{\{ \$labels\.(\w+) \}\}", r"(\1)", text)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
