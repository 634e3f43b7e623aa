"""The dashboards are of the types that Grafana itself publishes for TypeScript, beside those of the SDK.

Needs npm, which fetches ``@grafana/schema`` and ``typescript`` as test tooling; nothing of it is shipped.
"""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from dashboards.generate import dashboard_texts

PACKAGES = ["@grafana/schema@12.4.11", "typescript@5.9.3"]
PLUGINS = {
    "stat": ("stat/panelcfg/x/types.gen", False),
    "timeseries": ("timeseries/panelcfg/x/types.gen", True),
    "barchart": ("barchart/panelcfg/x/types.gen", True),
    "state-timeline": ("statetimeline/panelcfg/x/types.gen", True),
    "table": ("table/panelcfg/x/types.gen", True),
    "text": ("text/panelcfg/x/types.gen", False),
}
"""By type of panel: where its options are described, and whether its fields have some of their own."""

HEAD = """\
import type { Dashboard, Panel, VariableModel, AnnotationQuery } from '@grafana/schema';
// JSON holds the words of an enum, which TypeScript wants by name.
type Words<T> = T extends string ? `${T}` : T extends (infer U)[] ? Words<U>[]
  : T extends object ? { [K in keyof T]: Words<T[K]> } : T;
"""


@pytest.fixture(scope="module")
def checker(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the types and the compiler; return the folder."""
    npm = shutil.which("npm")
    if npm is None:
        if os.environ.get("KADO_REQUIRE_SERVICES") == "1":
            pytest.fail("npm is not installed", pytrace=False)
        pytest.skip("npm is not installed: the types of @grafana/schema are not checked")
    folder = tmp_path_factory.mktemp("grafana_schema")
    (folder / "package.json").write_text('{"private": true}')
    command = [npm, "install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", str(folder), *PACKAGES]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if done.returncode != 0:
        pytest.skip(f"npm could not fetch {' and '.join(PACKAGES)}: {done.stderr.strip()[-200:]}")
    return folder


def compile_errors(folder: Path, text: str) -> str:
    (folder / "check.ts").write_text(text)
    tsc = folder / "node_modules" / "typescript" / "bin" / "tsc"
    options = ["--noEmit", "--strict", "--skipLibCheck", "--target", "es2022", "--module", "esnext"]
    command = ["node", str(tsc), *options, "--moduleResolution", "bundler", "check.ts"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    return done.stdout


def typescript() -> str:
    """Return every dashboard as literals of the types that it must be of."""
    lines = [HEAD]
    for place, (module, _) in enumerate(PLUGINS.values()):
        lines.append(
            f"import type * as p{place} from './node_modules/@grafana/schema/dist/types/raw/composable/{module}';"
        )
    names = {kind: f"p{place}" for place, kind in enumerate(PLUGINS)}
    count = 0
    for text in dashboard_texts().values():
        document: dict[str, Any] = json.loads(text)
        for annotation in document["annotations"]["list"]:
            # The schema knows the target of Grafana's own data source alone; that of InfluxDB is its plugin's.
            del annotation["target"]
        count += 1
        lines.append(f"export const d{count}: Words<Dashboard> = {json.dumps(document)};")
        for panel in document["panels"]:
            name = f"d{count}_{panel['id']}"
            lines.append(f"export const p_{name}: Words<Panel> = {json.dumps(panel)};")
            kind = names[panel["type"]]
            options = json.dumps(panel["options"])
            lines.append(f"export const o_{name}: Words<Partial<{kind}.Options>> = {options};")
            custom = panel.get("fieldConfig", {}).get("defaults", {}).get("custom")
            if custom is not None and PLUGINS[panel["type"]][1]:
                lines.append(f"export const c_{name}: Words<Partial<{kind}.FieldConfig>> = {json.dumps(custom)};")
        for place, variable in enumerate(document["templating"]["list"]):
            lines.append(f"export const v{count}_{place}: Words<VariableModel> = {json.dumps(variable)};")
        for place, annotation in enumerate(document["annotations"]["list"]):
            lines.append(f"export const a{count}_{place}: Words<AnnotationQuery> = {json.dumps(annotation)};")
    return "\n".join(lines) + "\n"


def test_every_dashboard_panel_option_variable_and_annotation_is_of_grafanas_types(checker: Path) -> None:
    assert compile_errors(checker, typescript()) == ""


def test_the_check_finds_what_is_wrong(checker: Path) -> None:
    wrong = HEAD + "export const p: Words<Panel> = { type: 'stat', gridPos: { h: 'four', w: 4, x: 0, y: 0 } };\n"
    assert "Type 'string' is not assignable to type 'number'" in compile_errors(checker, wrong)
    wrong = HEAD + "export const p: Words<Panel> = { type: 'stat', no_such_key: 1 };\n"
    assert "no_such_key" in compile_errors(checker, wrong)
