"""Which target is sent which alarm: a pure policy."""

from collections.abc import Sequence

from facility.alarms import AlarmRule
from kado.config import AlarmSettings
from kado.notification_settings import AlertmanagerTarget, AppriseTarget

Target = AlertmanagerTarget | AppriseTarget


def targets_of(rule: AlarmRule, settings: AlarmSettings) -> list[Target]:
    """Return the targets of a rule: those that it names, else those of ``[alarms] notify``, else all.

    A rule all of whose names are unknown goes to those of ``[alarms]``: no alarm is lost by a misspelt name. A rule
    with ``notify = []`` goes nowhere.
    """
    ids = {target.id for target in settings.target}
    names = rule.notify
    if names is None or (names and not ids.intersection(names)):
        names = settings.notify
    return [t for t in settings.target if (names is None or t.id in names) and t.takes(rule.priority, rule.class_)]


def unknown_targets(rules: Sequence[AlarmRule], settings: AlarmSettings) -> list[tuple[str, str]]:
    """Return each alarm with each target that it names and that does not exist; nothing where there are no targets."""
    ids = {target.id for target in settings.target}
    return [(rule.id, name) for rule in rules for name in rule.notify or () if ids and name not in ids]
