"""``kado target``."""

from console.command import AsKnownOnOption, ConfigOption, DefinitionOption, Format, FormatOption


def target(
    definition: DefinitionOption = None,
    as_known_on: AsKnownOnOption = None,
    config: ConfigOption = None,
    output: FormatOption = Format.TABLE,
) -> None:
    r"""Say how long it took to run a whole block at the target.

    From the start of operation to the first user, study or tuning block with the beam at the target for as much of it
    as the profile's stable_at_pct asks. At the target: at most as far below it as the facility's recovered limit is
    below nominal.

    \b
    Example:
      kado target
    """
    from console.config import load_configuration
    from console.output import print_json, show
    from console.target import load_time_to_target
    from console.views.target import target_document, time_to_target

    found = load_time_to_target(load_configuration(config), definition, as_known_on)
    if output is Format.JSON:
        print_json(target_document(found))
    else:
        show(*time_to_target(found))
