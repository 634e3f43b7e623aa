"""A rule of Prometheus as data, and the YAML of a rule file."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from facility.text import Text

Severity = Literal["critical", "high", "medium", "low"]
"""As the priorities of kado's alarms."""
Role = Literal["operators", "engineers"]
"""Who has to act; Alertmanager routes by it."""


@dataclass(frozen=True, slots=True)
class Recording:
    """A rule that keeps the answer of an expression under a name."""

    name: str
    expression: str

    def document(self) -> dict[str, object]:
        """Return it as a rule file holds it."""
        return {"record": self.name, "expr": self.expression}


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """A rule that fires."""

    name: str
    expression: str
    lasts: str = "0s"
    """How long the expression must hold, such as ``5m``."""
    keeps: str = ""
    """How long the alert goes on after the expression holds no more."""
    severity: Severity
    role: Role
    summary: Text
    meaning: Text
    """What it means."""
    action: Text
    """What to do."""
    labels: Mapping[str, str] = field(default_factory=dict[str, str])
    comment: tuple[str, ...] = ()
    """What the rule file says above it."""

    def document(self, runbooks: str) -> dict[str, object]:
        """Return it as a rule file holds it; `runbooks` is where the pages of the rules lie."""
        kept = {"keep_firing_for": self.keeps} if self.keeps else {}
        return {
            "alert": self.name,
            "expr": self.expression,
            "for": self.lasts,
            **kept,
            "labels": {"severity": self.severity, "role": self.role, **self.labels},
            "annotations": {
                "summary": self.summary.en,
                "summary_ja": self.summary.ja,
                "description": self.meaning.en,
                "description_ja": self.meaning.ja,
                "action": self.action.en,
                "action_ja": self.action.ja,
                "runbook_url": f"{runbooks}#{self.name.lower()}",
            },
        }


@dataclass(frozen=True, slots=True)
class Group:
    """Rules that are evaluated together."""

    name: str
    interval: str
    rules: Sequence[Recording | Alert]


def rule_file(groups: Sequence[Group], heading: Sequence[str], runbooks: str) -> str:
    """Return the text of a rule file."""
    lines = [f"# {line}" for line in heading]
    lines.append("groups:")
    for group in groups:
        lines += [f"  - name: {_scalar(group.name)}", f"    interval: {group.interval}", "    rules:"]
        for rule in group.rules:
            document = rule.document(runbooks) if isinstance(rule, Alert) else rule.document()
            comment = rule.comment if isinstance(rule, Alert) else ()
            lines += [f"      # {line}" for line in comment]
            lines += _mapping(document, "        ", first="      - ")
    return "\n".join(lines) + "\n"


def _mapping(document: Mapping[str, object], indent: str, *, first: str) -> list[str]:
    lines: list[str] = []
    for key, value in document.items():
        lead = first if not lines else indent
        if isinstance(value, Mapping):
            lines.append(f"{lead}{key}:")
            lines += [f"{indent}  {name}: {_scalar(str(text))}" for name, text in _items(value)]  # pyright: ignore[reportUnknownArgumentType]  # a dictionary of any values
        else:
            lines.append(f"{lead}{key}: {_scalar(str(value))}")
    return lines


def _items(mapping: Mapping[str, object]) -> Sequence[tuple[str, object]]:
    return list(mapping.items())


def _scalar(text: str) -> str:
    """Return a string as YAML takes it: a JSON string is one."""
    return json.dumps(text, ensure_ascii=False)
