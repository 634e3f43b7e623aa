"""pyarrow, as `Any`: it carries no types. It is heavy, so this room is imported where a sealed file is at stake."""

from importlib import import_module
from typing import Any

pa: Any = import_module("pyarrow")
parquet: Any = import_module("pyarrow.parquet")
