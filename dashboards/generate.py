"""Writes the dashboards and rules that come with kado: ``python -m dashboards.generate`` after a change."""

from pathlib import Path
from typing import Final, get_args

from dashboards.export import dashboard_files
from dashboards.rules.alertmanager import alertmanager_file
from dashboards.rules.rule import rule_file
from dashboards.rules.service import service_groups
from facility.profile import load_profile
from facility.text import Language

FACILITY: Final = "nanoterasu"
ROOT: Final = Path(__file__).parent.parent
FOLDER: Final = Path(__file__).parent / "generated"
RULES: Final = Path(__file__).parent / "rules" / "kado.yml"
ALERTMANAGER: Final = ROOT / "deploy" / "alertmanager" / "alertmanager.yml"
RUNBOOKS: Final = "docs/reference/alerts.md"
"""Where the rules say that their pages lie; a site that serves the documentation puts its own address there."""


def dashboard_texts() -> dict[Path, str]:
    """Return what every dashboard must say, by its path below `FOLDER`."""
    profile = load_profile(FACILITY)
    languages: tuple[Language, ...] = get_args(Language)
    return {
        Path(language, name): text
        for language in languages
        for name, text in dashboard_files(profile, language).items()
    }


def rules_text() -> str:
    """Return the rules for kado itself."""
    heading = (
        "Rules for kado itself. Written by: python -m dashboards.generate",
        "What each one means and what to do stands in " + RUNBOOKS,
    )
    return rule_file(service_groups(), heading, RUNBOOKS)


def alertmanager_text() -> str:
    """Return the configuration of Alertmanager."""
    return alertmanager_file((), "python -m dashboards.generate")


def generated_files() -> dict[Path, str]:
    """Return what every generated file must say."""
    files = {FOLDER / path: text for path, text in dashboard_texts().items()}
    return files | {RULES: rules_text(), ALERTMANAGER: alertmanager_text()}


def main() -> None:
    """Write every file, and delete what is no longer one."""
    wanted = generated_files()
    for path in FOLDER.rglob("*.json"):
        if path not in wanted:
            path.unlink()
    for path, text in wanted.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
