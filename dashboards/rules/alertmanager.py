"""The configuration of Alertmanager: who is notified of what, and what is muted while a graver alert fires."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from dashboards.rules.rule import Role

ROLES: Final[tuple[Role, ...]] = ("operators", "engineers")


@dataclass(frozen=True, slots=True)
class Inhibition:
    """While `source` fires, `target` of the same facility is not notified."""

    source: str
    target: str


WEBHOOKS: Final[Mapping[Role, str]] = {role: f"http://127.0.0.1:9099/{role}" for role in ROLES}
"""Receivers of the file as it is written; a site puts its own there."""

OWN_INHIBITIONS: Final = (
    *(
        Inhibition("KadoDown", target)
        for target in ("KadoNotReady", "KadoSourceLinkDown", "KadoDataStale", "KadoFiguresStale", "KadoAlarmsStalled")
    ),
    Inhibition("KadoSourceLinkDown", "KadoDataStale"),
    Inhibition("KadoSourceLinkDown", "KadoNotReady"),
    Inhibition("KadoForwarderHeld", "KadoForwarderLate"),
)


def alertmanager_file(
    inhibitions: Sequence[Inhibition], written_by: str, webhooks: Mapping[Role, str] = WEBHOOKS
) -> str:
    """Return the text of a configuration: inhibitions of rules beside those of kado's own, a webhook for each role."""
    lines = [
        f"# Written by: {written_by}",
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
    for rule in (*OWN_INHIBITIONS, *inhibitions):
        lines += [
            f'  - source_matchers: [alertname="{rule.source}"]',
            f'    target_matchers: [alertname="{rule.target}"]',
            f"    equal: [{'' if rule.source == 'KadoDown' else 'facility'}]",
        ]
    lines += [
        "  # A site that lets Prometheus be in charge as well is notified of an alarm of kado once.",
        '  - source_matchers: [via=""]',
        '    target_matchers: [via="prometheus"]',
        "    equal: [facility, alertname]",
        "receivers:",
    ]
    for role in ROLES:
        lines += [
            f"  - name: {role}",
            "    webhook_configs:",
            f'      - url: "{webhooks[role]}"',
            "        send_resolved: true",
        ]
    return "\n".join(lines) + "\n"
