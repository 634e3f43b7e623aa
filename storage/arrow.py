"""pyarrow, as `Any`: it carries no types. It is heavy: import this where Arrow is at stake, not to collect."""

from importlib import import_module
from typing import Any

pa: Any = import_module("pyarrow")
pc: Any = import_module("pyarrow.compute")
csv: Any = import_module("pyarrow.csv")
