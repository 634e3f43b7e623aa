"""The domain needs NumPy and pydantic, and nothing that talks to a disk, a server or a screen."""

import subprocess
import sys
from importlib import resources
from pathlib import Path

HEAVY = {
    "aiomqtt", "alembic", "asyncio", "influxdb_client", "msgspec", "mqttium", "paho", "pandas", "pyarrow",
    "rich", "sqlalchemy", "sqlite3", "typer",
}  # fmt: skip

CODE = """
import importlib, pkgutil, sys
import facility
for module in pkgutil.iter_modules(facility.__path__):
    importlib.import_module(f"facility.{module.name}")
from facility.definition import load_definition
from facility.profile import load_profile
load_definition(load_profile("nanoterasu").definition)
print(*{name.partition(".")[0] for name in sys.modules})
"""


def test_loading_all_of_it_with_a_profile_loads_nothing_heavy() -> None:
    root = Path(str(resources.files("facility"))).parent
    loaded = subprocess.run([sys.executable, "-c", CODE], cwd=root, capture_output=True, text=True, check=True)
    assert set(loaded.stdout.split()) & HEAVY == set()
