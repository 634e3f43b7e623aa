"""``kado events``."""

from console.command import AsKnownOnOption, ConfigOption, DefinitionOption, Format, FormatOption, PeriodOption


def events(
    period: PeriodOption,
    definition: DefinitionOption = None,
    as_known_on: AsKnownOnOption = None,
    config: ConfigOption = None,
    output: FormatOption = Format.TABLE,
) -> None:
    r"""List losses of beam and distortions in user time.

    \b
    Examples:
      kado events --period 2026-10
      kado events --period 2026-10 --format json
    """
    from console.config import load_configuration
    from console.figures import load_availability
    from console.output import print_json, show, title
    from console.views.events import event_documents, event_table

    loaded = load_availability(load_configuration(config), period, definition, as_known_on)
    if output is Format.JSON:
        result = loaded.availability
        print_json(
            {
                "facility": result.facility,
                "simulated": result.simulated,
                "definition": result.definition,
                "period": result.period.id,
                "events": event_documents(loaded),
            }
        )
    else:
        heading = title(loaded.profile, "events ビーム停止・擾乱")
        names = f"Period      {period}\nDefinition  {loaded.definition.id}: {loaded.definition.title.en}"
        show(heading, names, *event_table(loaded, reviews=True))
