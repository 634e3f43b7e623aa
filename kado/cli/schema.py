"""``kado schema``."""

from kado.config import settings_model
from kado.output import print_json


def schema() -> None:
    r"""Print the JSON Schema of kado.toml, for editors.

    \b
    Example:
      kado schema > kado.schema.json
    """
    print_json(settings_model().model_json_schema())
