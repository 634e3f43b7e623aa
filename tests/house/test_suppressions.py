"""Each place in the packages where a check is switched off says why."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
ROOMS = ("facility", "storage", "collector", "analytics", "simulators", "dashboards", "kado")
DIRECTIVE = re.compile(r"# (?:noqa(?:: [A-Z0-9, ]+)?|type: ignore(?:\[[\w, -]+\])?|pyright: ignore(?:\[[\w, -]+\])?)")


def test_each_check_that_is_switched_off_has_its_reason_beside_it() -> None:
    unexplained: list[str] = []
    for path in sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py")):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            found = list(DIRECTIVE.finditer(line))
            if found and not re.search(r"\w{2}", line[found[-1].end() :]):
                unexplained.append(f"{path.relative_to(ROOT)}:{number}: {line.strip()}")
    assert unexplained == []
