"""The configuration of Alertmanager: who hears of what, and what keeps quiet while something graver is on."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from dashboards.rules.rule import Role

ROLES: Final[tuple[Role, ...]] = ("operators", "engineers")


@dataclass(frozen=True, slots=True)
class Inhibition:
    """While `source` fires, `target` of the same facility is not notified."""

    source: str
    target: str


OWN_INHIBITIONS: Final = (
    *(
        Inhibition("KadoDown", target)
        for target in ("KadoNotReady", "KadoSourceLinkDown", "KadoDataStale", "KadoFiguresStale", "KadoAlarmsStalled")
    ),
    Inhibition("KadoSourceLinkDown", "KadoDataStale"),
    Inhibition("KadoSourceLinkDown", "KadoNotReady"),
    Inhibition("KadoForwarderHeld", "KadoForwarderLate"),
)


def alertmanager_file(inhibitions: Sequence[Inhibition], receivers: dict[str, str]) -> str:
    """Return the text of a configuration; `receivers` gives the webhook of each role."""
    lines = [
        "# Written by: python -m dashboards.generate",
        "# Set the webhooks, or put email_configs in their place, before you use it.",
        "route:",
        "  receiver: engineers",
        "  group_by: [facility, class]",
        "  group_wait: 10s",
        "  group_interval: 1m",
        "  # Alertmanager repeats whether an alarm was acknowledged or not: to silence one, use kado's own shelf.",
        "  repeat_interval: 12h",
        "  routes:",
    ]
    for role in ROLES:
        lines += [f'    - matchers: [role="{role}"]', f"      receiver: {role}"]
    lines.append("inhibit_rules:")
    for rule in inhibitions:
        lines += [
            f'  - source_matchers: [alertname="{rule.source}"]',
            f'    target_matchers: [alertname="{rule.target}"]',
            f"    equal: [{'' if rule.source == 'KadoDown' else 'facility'}]",
        ]
    lines += [
        "  # A site that lets Prometheus be in charge as well hears of an alarm of kado once.",
        '  - source_matchers: [via=""]',
        '    target_matchers: [via="prometheus"]',
        "    equal: [facility, alertname]",
        "receivers:",
    ]
    for role in ROLES:
        lines += [
            f"  - name: {role}",
            "    webhook_configs:",
            f'      - url: "{receivers[role]}"',
            "        send_resolved: true",
        ]
    return "\n".join(lines) + "\n"
