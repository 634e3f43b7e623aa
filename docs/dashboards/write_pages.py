"""Writes a page for each dashboard: what each panel answers, with its picture.

Run it after a panel has changed: ``python docs/dashboards/write_pages.py``.
"""

import json
from pathlib import Path
from typing import Any

from dashboards.generate import dashboard_texts

FOLDER = Path(__file__).parent
WHO = {
    "operators": "For the control room: is the beam there, is the data fresh, what comes next.",
    "wall": "For a screen on the wall: few panels, letters that are read from five metres.",
    "engineers": "For the engineers who run kado and maintain its signals: every signal, its gaps, the way of samples.",
    "managers": "For those who answer for the facility: how available the beam was, why not, and how far it has come.",
}


def pages() -> dict[str, str]:
    """Return the text of each page by its name."""
    texts = {(path.parent.name, path.stem): json.loads(text) for path, text in dashboard_texts().items()}
    return {f"{name}.md": _page(name, texts["en", name], texts["ja", name]) for name in WHO}


def _page(name: str, english: dict[str, Any], japanese: dict[str, Any]) -> str:
    lines = [
        f"# Dashboard: {name}",
        "",
        "Written by `docs/dashboards/write_pages.py` from the dashboard's JSON; do not edit.",
        "",
        WHO[name],
        "",
        f"![{english['title']}]({name}-en.png)",
        "",
        f"日本語版：[{japanese['title']}]({name}-ja.png)",
        "",
        "The picture is a preview: drawn by kado from the dashboard's own JSON with the answers of its own queries to "
        "simulated data, not by Grafana. What was proven and what not stands in [README.md](README.md).",
        "",
        "| panel | it answers |",
        "| --- | --- |",
    ]
    for one, other in zip(english["panels"], japanese["panels"], strict=True):
        said = one["description"].replace("|", "\\|")
        lines.append(f"| {one['title']} {other['title']} | {said} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    for file, text in pages().items():
        (FOLDER / file).write_text(text, encoding="utf-8")
