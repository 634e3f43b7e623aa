"""Writes the dashboards of NanoTerasu that come with kado: ``python -m dashboards.generate`` after a change."""

from pathlib import Path
from typing import Final, get_args

from dashboards.export import dashboard_files
from facility.profile import load_profile
from facility.text import Language

FACILITY: Final = "nanoterasu"
FOLDER: Final = Path(__file__).parent / "generated"


def generated_files() -> dict[Path, str]:
    """Return what every generated file must say, by its path below `FOLDER`."""
    profile = load_profile(FACILITY)
    languages: tuple[Language, ...] = get_args(Language)
    return {
        Path(language, name): text
        for language in languages
        for name, text in dashboard_files(profile, language).items()
    }


def main() -> None:
    """Write every file, and delete what is no longer one."""
    wanted = generated_files()
    for path in FOLDER.rglob("*.json"):
        if path.relative_to(FOLDER) not in wanted:
            path.unlink()
    for name, text in wanted.items():
        path = FOLDER / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
