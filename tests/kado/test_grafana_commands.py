"""``kado dashboards export``, ``kado publish`` and ``kado alarms rules --prometheus`` as people call them."""

import json
import subprocess
from importlib import resources
from pathlib import Path

from command_line import Kado
from servers import require


def test_dashboards_are_written_for_a_facility_of_ones_own(kado: Kado, tmp_path: Path) -> None:
    text = (resources.files("facility") / "profiles" / "maxiv_sim.toml").read_text()
    (tmp_path / "my_ring.toml").write_text(text.replace('id = "maxiv_sim"', 'id = "my_ring"'))
    answer = kado("dashboards", "export", "out", "--facility", "my_ring.toml", "--lang", "ja", "--format", "json")
    assert answer.exit_code == 0, answer.err
    assert sorted(Path(f).name for f in answer.document["files"]) == [
        "engineers.json", "managers.json", "operators.json", "wall.json",
    ]  # fmt: skip
    document = json.loads((tmp_path / "out" / "operators.json").read_text())
    assert document["title"] == "kado：制御室"
    (facility,) = [v for v in document["templating"]["list"] if v["name"] == "facility"]
    assert facility["current"]["value"] == "my_ring"


def test_without_a_facility_the_one_of_the_configuration_is_taken(kado: Kado, tmp_path: Path) -> None:
    kado("init")
    assert kado("dashboards", "export", "out").exit_code == 0
    assert '"nanoterasu_sim"' in (tmp_path / "out" / "wall.json").read_text()


def test_a_language_that_is_none_is_refused(kado: Kado) -> None:
    answer = kado("dashboards", "export", "out", "--facility", "nanoterasu", "--lang", "de")
    assert answer.exit_code == 2
    assert "de" in answer.err


def test_publishing_needs_influxdb_and_says_what_serves_the_embedded_store(kado: Kado) -> None:
    kado("init")
    answer = kado("publish")
    assert answer.exit_code == 2
    assert "store.kind is 'embedded'" in answer.err
    assert "Prometheus" in answer.err


def test_publishing_has_to_be_asked_for(kado: Kado) -> None:
    kado("init", "--store", "influxdb")
    answer = kado("publish")
    assert (answer.exit_code, "no [publish] table" in answer.err) == (2, True)


def test_alarm_rules_are_compiled_into_a_file_that_promtool_accepts(kado: Kado, tmp_path: Path) -> None:
    kado("init")
    with Path("kado.toml").open("a") as file:
        file.write("\n[alarms]\n")
    manager = ("--alertmanager", "alertmanager.yml")
    assert "give --prometheus as well" in kado("alarms", "rules", *manager).err
    answer = kado("alarms", "rules", "--prometheus", "alarms.yml", *manager, "--format", "json")
    assert answer.exit_code == 0, answer.err
    assert answer.document["rules"]["beam_lost"] == "approximate"
    assert answer.document["rules"]["ledger_open"] == "grid"
    assert list(answer.document["left_out"]) == []
    text = Path("alarms.yml").read_text()
    for watchdog in ("KadoDown", "KadoAlarmsStalled", "KadoNotificationsStuck"):
        assert f'alert: "{watchdog}"' in text
    subprocess.run([require("promtool"), "check", "rules", "alarms.yml"], cwd=tmp_path, check=True, capture_output=True)
    assert 'target_matchers: [alertname="low_beam"]' in Path("alertmanager.yml").read_text()
    check = [require("amtool"), "check-config", "alertmanager.yml"]
    subprocess.run(check, cwd=tmp_path, check=True, capture_output=True)
