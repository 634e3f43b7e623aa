"""``kado schema``."""


def schema() -> None:
    r"""Print the JSON Schema of kado.toml, for editors.

    \b
    Example:
      kado schema > kado.schema.json
    """
    from console.config import settings_model
    from console.output import print_json

    print_json(settings_model().model_json_schema())
