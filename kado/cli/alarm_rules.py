"""``kado alarms rules`` and ``kado alarms reload``: the rules themselves."""

import json
import os
import signal
import time
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from facility.alarms import AlarmRule, AlarmRules, Finding, review
from facility.errors import (
    AlarmRuleError,
    ConfigError,
    MissingExtraError,
    ProblemFoundError,
    UnreachableError,
    UsageError,
)
from facility.profile import Profile
from facility.sentence import Sentence
from kado.cli.alarm_rule_words import rule_facts
from kado.cli.command import ConfigOption, Format, FormatOption
from kado.config import load_configuration
from kado.language import term, tr, trn, words
from kado.output import facts, print_json, show, table, title
from kado.queries.alarm_rules import load_alarm_rules
from kado.queries.identity import identity
from kado.service.alarm_actions import ANSWER_S
from kado.service.alarms import SERVICE
from kado.stores import running_pid
from storage.telemetry_db.alarms import read_alarm_state


def rules(
    alarm: Annotated[str | None, typer.Argument(metavar="[ID]", help="Explain this rule.")] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Report doubtful rules; ends with 1 if there are any.")
    ] = False,
    prometheus: Annotated[
        Path | None, typer.Option(help="Compile the rules for Prometheus into this file, and say what is left out.")
    ] = None,
    alertmanager: Annotated[
        Path | None,
        typer.Option(help="With --prometheus: write a configuration of Alertmanager that mutes inhibited alerts."),
    ] = None,
    config: ConfigOption = None,
    output: FormatOption = Format.TABLE,
) -> None:
    r"""Show the alarm rules, and check them.

    \b
    Examples:
      kado alarms rules
      kado alarms rules beam_lost
      kado alarms rules --check
      kado alarms rules --prometheus kado_alarms.yml --alertmanager alertmanager.yml
    """
    configuration = load_configuration(config)
    loaded = load_alarm_rules(configuration)
    if prometheus is not None:
        _write_prometheus(loaded, configuration.profile, prometheus, alertmanager, output)
        return
    if alertmanager is not None:
        raise UsageError(Sentence("--alertmanager mutes compiled rules: give --prometheus as well"))
    if alarm is not None and alarm not in loaded.by_id:
        raise AlarmRuleError(
            Sentence("no alarm {alarm!r}: there are {by_id}", alarm=alarm, by_id=", ".join(loaded.by_id))
        )
    chosen = loaded.rules if alarm is None else (loaded.by_id[alarm],)
    found = [f for f in review(loaded) if alarm is None or f.alarm == alarm] if check else []
    if output is Format.JSON:
        print_json(_document(loaded, chosen, found if check else None, configuration.profile))
    elif check:
        for finding in found:
            print(f"{finding.alarm or tr('all rules')}: {finding.code}: {finding.text}")
        print(trn("{n} rule, {count} doubtful", "{n} rules, {count} doubtful", len(chosen), count=len(found)))
    elif alarm is not None:
        explained = facts(rule_facts(chosen[0], loaded.table.series))
        show(title(configuration.profile, tr("alarm rule {id}", id=alarm)), explained)
    else:
        rows = table([tr("alarm"), tr("priority"), tr("class"), tr("what to do")])
        for rule in chosen:
            name = Text(f"{rule.id}: {words(rule.title)}")
            rows.add_row(name, term(rule.priority.value), rule.class_, words(rule.action))
        show(title(configuration.profile, tr("alarm rules, fingerprint {mark}", mark=loaded.fingerprint)), rows)
    if found:
        raise typer.Exit(1)


def _write_prometheus(loaded: AlarmRules, profile: Profile, path: Path, manager: Path | None, output: Format) -> None:
    try:
        from dashboards.rules.alertmanager import alertmanager_file
        from dashboards.rules.compiled import compile_rules
        from dashboards.rules.rule import rule_file
        from dashboards.rules.service import watchdog_group
    except ImportError as error:
        raise MissingExtraError(
            Sentence(
                "rules for Prometheus are made with the dashboards, which are not installed: pip "
                "install 'kado[dashboards]'"
            )
        ) from error
    compiled = compile_rules(loaded.rules, profile)
    _write(path, rule_file([*compiled.groups(), watchdog_group()], compiled.heading(profile.id), "docs"))
    if manager is not None:
        _write(manager, alertmanager_file(compiled.inhibitions, f"kado alarms rules --alertmanager {manager.name}"))
    mapped = {alert.name: alert.labels["kado_mapping"] for alert in compiled.alerts}
    if output is Format.JSON:
        document: dict[str, Any] = {**identity(profile), "file": str(path)}
        print_json({**document, "rules": mapped, "left_out": dict(compiled.left_out)})
        return
    print(
        trn(
            "{n} rule compiled into {file}, {count} left out",
            "{n} rules compiled into {file}, {count} left out",
            len(mapped),
            file=path,
            count=len(compiled.left_out),
        )
    )
    for alarm, why in compiled.left_out:
        print(f"{alarm}: {why}")


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigError(
            Sentence("{path} cannot be written: {reason}", path=path, reason=error.strerror or error)
        ) from error


def reload(config: ConfigOption = None, output: FormatOption = Format.TABLE) -> None:
    r"""Make the running service read the alarm rules again.

    \b
    Example:
      kado alarms reload
    """
    configuration = load_configuration(config)
    count = len(load_alarm_rules(configuration))
    pid = running_pid(configuration)
    if not pid:
        raise UnreachableError(
            Sentence("no kado runs on {data_dir}: it reads the rules when it starts", data_dir=configuration.data_dir)
        )

    def answer() -> dict[str, Any]:
        rows, _ = read_alarm_state(configuration.data_dir, configuration.profile.id)
        return json.loads(rows.get(SERVICE, "{}")).get("reload", {"count": 0})

    before = answer()["count"]
    os.kill(int(pid), signal.SIGHUP)
    until = time.monotonic() + ANSWER_S
    while (found := answer())["count"] == before:
        if time.monotonic() > until:
            raise UnreachableError(
                Sentence("process {pid} did not answer within {answer_s:g} s", pid=pid, answer_s=ANSWER_S)
            )
        time.sleep(0.1)
    if output is Format.JSON:
        print_json(
            {
                **identity(configuration.profile),
                "fingerprint": found["fingerprint"],
                "error": found["error"],
            }
        )
    elif found["error"] is None:
        mark = found["fingerprint"]
        print(
            trn(
                "{n} rule is in force, fingerprint {mark}",
                "{n} rules are in force, fingerprint {mark}",
                count,
                mark=mark,
            )
        )
    if found["error"] is not None:
        raise ProblemFoundError(Sentence("the old rules stay in force: {found}", found=found["error"]))


def _document(
    loaded: AlarmRules, chosen: tuple[AlarmRule, ...], found: list[Finding] | None, profile: Profile
) -> dict[str, Any]:
    document: dict[str, Any] = {
        **identity(profile),
        "fingerprint": loaded.fingerprint,
        "count": len(loaded),
        "rules": [rule.model_dump(mode="json", by_alias=True, exclude_none=True) for rule in chosen],
    }
    if found is not None:
        document["findings"] = [{"alarm": f.alarm, "code": f.code, "text": f.text} for f in found]
    return document
