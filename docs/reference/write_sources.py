"""Writes docs/reference/sources.md from what the kinds of source say of their options.

Run it after an option has changed: ``python docs/reference/write_sources.py``.
"""

from importlib import import_module
from pathlib import Path
from typing import Any, get_args

from collector.sources.table import SOURCES

PAGE = Path(__file__).with_name("sources.md")
HEAD = """\
# Sources

Written by `docs/reference/write_sources.py` from the options themselves; do not edit.

Each `[[source]]` table of `kado.toml` names a `kind`. What each option does when it is changed, and examples, stand in
the sample configuration of the kind; what can be lost, and why, in its README.
"""


def page() -> str:
    """Return the page as it should be."""
    return "\n".join([HEAD, *(_section(kind, place) for kind, place in sorted(SOURCES.items()))])


def _section(kind: str, place: str) -> str:
    module, _, name = place.partition(":")
    source: Any = getattr(import_module(module), name)
    mapping: Any = get_args(source.model_fields["mappings"].annotation)[0]
    folder = "../../" + "/".join(module.split(".")[:-1])
    lines = [
        f"## `{kind}`",
        "",
        f"[Sample configuration]({folder}/sample.toml), [README]({folder}/README.md)",
        "",
        *_table("`[[source]]`", source),
        "",
        *_table("`[[source.signal]]`", mapping),
        "",
    ]
    return "\n".join(lines)


def _table(title: str, model: Any) -> list[str]:
    rows = [f"| {title} | default | |", "| --- | --- | --- |"]
    for name, field in model.model_fields.items():
        if name == "mappings":
            continue
        default = "needed" if field.is_required() else _shown(field.default)
        about = f'`"{field.default}"`' if name == "kind" else field.description or ""
        about = about.replace("|", "\\|").replace("<", "&lt;")
        rows.append(f"| `{field.alias or name}` | {'' if name == 'kind' else default} | {about} |")
    return rows


def _shown(default: Any) -> str:
    if default is None or default in ((), {}):
        return ""
    if isinstance(default, bool):
        return f"`{str(default).lower()}`"
    return f'`"{default}"`' if isinstance(default, str) else f"`{default}`"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
