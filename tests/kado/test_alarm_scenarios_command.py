import json
from pathlib import Path

from command_line import Kado

WORKED = Path(__file__).parents[1] / "analytics" / "alarms" / "worked_scenarios.json"


def test_the_worked_scenarios_pass(kado: Kado) -> None:
    answer = kado("alarms", "test", str(WORKED))
    assert answer.exit_code == 0, answer.err
    assert answer.out == "17 scenarios, 107 runs, 0 differ\n"


def test_a_scenario_that_differs_is_named_and_the_exit_code_is_1(kado: Kado, tmp_path: Path) -> None:
    document = json.loads(WORKED.read_text())
    document["scenarios"][0]["expected"].pop()
    wrong = tmp_path / "wrong.json"
    wrong.write_text(json.dumps(document))
    answer = kado("alarms", "test", str(wrong))
    assert answer.exit_code == 1
    assert answer.out.splitlines() == [
        "limit_is_strict (live): row 3: expected no more rows, got [20, a, unacked, rtn_unacked, cleared]",
        "17 scenarios, 107 runs, 1 differs",
    ]
    japanese = kado("alarms", "test", str(wrong), "--lang", "ja").out.splitlines()
    assert japanese[0].startswith("limit_is_strict (live)：行 3：期待値 これ以上の行なし、結果 [20, a,")
    assert japanese[1] == "シナリオ 17 件、実行 107 回、不一致 1 件"
    found = kado("alarms", "test", str(wrong), "--format", "json")
    assert found.exit_code == 1
    assert found.document["differ"] == 1
    assert found.document["differences"][0]["got"] == [20, "a", "unacked", "rtn_unacked", "cleared"]


def test_a_file_that_cannot_be_read_is_wrong_use(kado: Kado, tmp_path: Path) -> None:
    assert kado("alarms", "test", "nowhere.json").exit_code == 2
    (tmp_path / "bad.json").write_text("{")
    assert "is not valid JSON" in kado("alarms", "test", "bad.json").err
    (tmp_path / "list.json").write_text("[]")
    assert kado("alarms", "test", "list.json").exit_code == 2
