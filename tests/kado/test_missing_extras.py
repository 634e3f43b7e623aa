"""Without an optional library each command says in one line which one is missing and how to install it."""

import subprocess
import sys
from pathlib import Path

import pytest

from command_line import Kado
from facility.extras import EXTRAS

KADO = """
import sys
blocked, *words = sys.argv[1:]
sys.modules.update(dict.fromkeys(blocked.split(",")))
sys.argv = ["kado", *words]
from kado.__main__ import main
main()
"""
CLUSTER = ["fleet", "figures", "--config", "kado.toml", "--period", "2026-10", "--cluster", "tcp://127.0.0.1:1"]


def without(libraries: str, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", KADO, libraries, *words], capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("libraries", "words", "extra"),
    [
        ("scipy", ["reliability", "--period", "2026-10"], "report"),
        ("pandas", ["report", "make", "2026-10", "--format", "xlsx"], "report"),
        ("grafana_foundation_sdk", ["dashboards", "export", "there"], "dashboards"),
        ("starlette", ["simulate", "--live", "http://127.0.0.1:0"], "page"),
        ("distributed", CLUSTER, "cluster"),
    ],
)
def test_a_command_names_the_library_and_its_extra(kado: Kado, libraries: str, words: list[str], extra: str) -> None:
    assert kado("init").exit_code == 0
    answer = without(libraries, *words)
    assert (answer.returncode, answer.stderr.count("\n")) == (2, 1)
    assert answer.stderr.startswith("kado: ")
    assert f"pip install 'kado[{extra}]'" in answer.stderr


def test_a_check_of_influxdb_without_its_library_says_so(kado: Kado) -> None:
    assert kado("init", "--store", "influxdb").exit_code == 0
    Path("influxdb.token").write_text("secret")
    answer = without("influxdb_client", "check")
    said = " ".join(answer.stdout.split())
    assert answer.returncode != 0
    assert "influxdb_client, which is not installed: pip install 'kado[influxdb]'" in said


def test_every_optional_library_of_the_package_is_known_with_an_extra_that_exists() -> None:
    text = (Path(__file__).parents[2] / "pyproject.toml").read_text()
    extras = text.partition("[project.optional-dependencies]")[2].partition("[project.scripts]")[0]
    assert {f"\n{extra} = [" in extras for extra in EXTRAS.values()} == {True}
