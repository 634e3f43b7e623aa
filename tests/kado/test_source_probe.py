"""``kado source probe``: what a source says now, and the lines of configuration that follow from it."""

import json
import os
import pty
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from command_line import Kado
from facility.time import NS_PER_S, system_clock
from json_server import JsonServer
from servers import Mosquitto

CONFIGURATION = """
facility = "nanoterasu_sim"
[[source]]
id = "page"
kind = "http"
url = "{url}"
period_s = 0.1
time_pointer = "/t"
time_format = "ns"
signal = [
    {{ pointer = "/current", signal = "stored_current" }},
    {{ pointer = "/mode", signal = "machine_mode" }},
]
"""


class Page(JsonServer):
    """A page that is renewed with every question."""

    def __init__(self) -> None:
        super().__init__()
        self.behind_ns = 0
        self.mode: Any = "user"
        self.lost = False
        self._count = 0
        self._lock = threading.Lock()

    def answer(self, path: str, headers: dict[str, str]) -> tuple[int, bytes]:
        with self._lock:
            self._count += 1
            document = {"t": system_clock() - self.behind_ns, "current": None if self.lost else 200.0 + self._count / 4}
        if self.mode is not None:
            document["mode"] = self.mode
        return 200, json.dumps(document).encode()


@pytest.fixture
def page(tmp_path: Path) -> Iterator[Page]:
    with Page() as server:
        (tmp_path / "kado.toml").write_text(CONFIGURATION.format(url=server.url), encoding="utf-8")
        yield server


def heard(kado: Kado, *more: str) -> dict[str, Any]:
    (one,) = kado("source", "probe", "--seconds", "3", "--format", "json", *more).document["sources"]
    return {**one, "signals": {s["signal"]: s for s in one["signals"]}}


def test_each_signal_is_shown_with_rate_smallest_change_age_and_clock(kado: Kado, page: Page) -> None:
    current = heard(kado, "page")["signals"]["stored_current"]
    # Ten a second, or as many as a busy machine can.
    assert 0.5 <= current["rate_hz"] <= 12
    assert (current["unit"], current["quality"], current["dead_band"]) == ("mA", "good", 0.25)
    assert current["value"] > 200
    assert 0 <= current["age_s"] < 30
    assert 0 <= current["clock_offset_s"] < 30
    assert 0.05 <= current["period_s"] <= 2


def test_it_proposes_what_to_set(kado: Kado, page: Page) -> None:
    page.mode, page.behind_ns = "party", 30 * NS_PER_S
    found = heard(kado)
    said = "\n".join(found["proposals"])
    assert 'signal = "machine_mode"' in said
    assert '"party" = "?"' in said
    # The profile says one sample a second.
    (period_s,) = re.findall(r'profile, \[\[signal\]\] id = "stored_current": period_s = (\S+)', said)
    assert float(period_s) == pytest.approx(found["signals"]["stored_current"]["period_s"], rel=0.01)
    assert "30 s behind this computer's" in said
    assert [r["cause"] for r in found["rejected"]] == ["unknown_state"]


def test_people_read_it_in_japanese(kado: Kado, page: Page) -> None:
    page.mode, page.behind_ns = "party", 30 * NS_PER_S
    shown = kado("source", "probe", "--seconds", "3", KADO_LANG="ja").out
    for text in (
        "信号源 page（http",
        "最小変化",
        "mA",
        "拒否",
        "推奨する設定",
        "30 秒遅れています",
        "プロファイルでは",
    ):
        assert text in shown, text


def test_stamps_that_cannot_be_true_ask_for_those_of_arrival(kado: Kado, page: Page) -> None:
    page.behind_ns = 56 * 366 * 86_400 * NS_PER_S
    assert any('stamp = "arrival"' in line for line in heard(kado)["proposals"])


def test_what_is_silent_or_rejected_is_a_problem_and_a_server_that_is_gone_another(kado: Kado, page: Page) -> None:
    assert kado("source", "probe", "--seconds", "0.5").exit_code == 0
    page.mode = None
    answer = kado("source", "probe", "--seconds", "0.5")
    assert answer.exit_code == 1
    assert "SILENT" in answer.out
    assert "/mode" in answer.out
    page.stop()
    answer = kado("source", "probe", "--seconds", "0.5")
    assert (answer.exit_code, "cannot be reached" in answer.err) == (3, True)
    answer = kado("source", "probe", "other")
    assert (answer.exit_code, "no source is called 'other'" in answer.err) == (2, True)


def test_on_a_terminal_every_signal_is_shown_live_while_it_is_heard(kado: Kado, page: Page, tmp_path: Path) -> None:
    # Longer where a busy machine has drawn too seldom.
    for seconds in (3, 12, 48):
        values = drawn_in(seconds, tmp_path)
        if len(set(values)) >= 3:
            break
    assert len(set(values)) >= 3
    assert sorted(values, key=float) == values


def drawn_in(seconds: float, tmp_path: Path) -> list[str]:
    """Return the values of the current that the command drew on a terminal."""
    screen, end = pty.openpty()
    environment = {k: v for k, v in os.environ.items() if not k.startswith("KADO_")}
    environment |= {"PYTHONPATH": str(Path(__file__).parents[2]), "TERM": "xterm", "COLUMNS": "120"}
    words = [sys.executable, "-m", "kado", "source", "probe", "--seconds", str(seconds)]
    process = subprocess.Popen(words, cwd=tmp_path, env=environment, stdout=subprocess.DEVNULL, stderr=end)
    os.close(end)
    shown = b""
    with suppress(OSError):
        while part := os.read(screen, 65_536):
            shown += part
    os.close(screen)
    assert process.wait(120) == 0
    return re.findall(r"stored_current\s+([0-9.]+)\s+mA", re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", shown.decode()))


def test_it_stores_nothing(kado: Kado, page: Page, tmp_path: Path) -> None:
    heard(kado)
    assert not (tmp_path / "data").exists()


def test_check_names_keys_and_channels_that_say_nothing_and_signals_that_are_mapped_twice(
    kado: Kado, page: Page, tmp_path: Path
) -> None:
    page.mode = None
    text = (tmp_path / "kado.toml").read_text(encoding="utf-8")
    second = (
        text[text.index("[[source]]") :]
        .replace('id = "page"', 'id = "second"')
        .replace('"machine_mode"', '"rf_voltage"')
    )
    (tmp_path / "kado.toml").write_text(text + second, encoding="utf-8")
    answer = kado("check", "--format", "json")
    details = [c["detail"] for c in answer.document["checks"] if not c["ok"]]
    assert any("1 of 2 channels say nothing (/mode)" in d for d in details)
    assert any("the document has the keys current, t" in d for d in details)
    assert any("signal stored_current comes from page, second" in d for d in details)
    assert answer.exit_code == 1


def test_check_says_which_signals_have_no_good_value_and_what_is_rejected(kado: Kado, page: Page) -> None:
    def found() -> list[tuple[bool, str]]:
        checks = kado("check", "--format", "json").document["checks"]
        return [(c["ok"], c["detail"]) for c in checks if c["what"] == "source page"]

    assert found() == [(True, f"{page.url}: reachable, 2 signals")]
    page.lost = True
    reachable, (ok, warning) = found()
    assert reachable == (True, f"{page.url}: reachable, 2 signals")
    assert (ok, warning) == (
        True, "warning: no good value now: stored_current (null); see 'kado source probe page'",
    )  # fmt: skip
    page.lost, page.mode = False, "party"
    reachable, (ok, problem) = found()
    assert reachable == (True, f"{page.url}: reachable, 2 signals; 1 without a sample within 2 s")
    assert not ok
    assert problem.startswith("rejected: machine_mode: machine_mode = 'party' is not one of its states")


def test_check_does_not_wait_for_a_signal_that_is_sent_on_change(
    kado: Kado, start_mosquitto: Callable[..., Mosquitto], tmp_path: Path
) -> None:
    broker = start_mosquitto()
    assert kado("init", "--source", "mqtt").exit_code == 0
    configuration = tmp_path / "kado.toml"
    configuration.write_text(configuration.read_text().replace("mqtt://localhost:1883", broker.url))
    (ring,) = [c for c in kado("check", "--format", "json").document["checks"] if c["what"].startswith("source ")]
    assert ring["ok"]
    assert "without a sample within 2 s" in ring["detail"]
