"""``kado status``."""

from console.command import ConfigOption, Format, FormatOption


def status(config: ConfigOption = None, output: FormatOption = Format.TABLE) -> None:
    r"""Show links, newest samples, plan and ledger as they are now.

    \b
    Examples:
      kado status
      kado status --format json
    """
    from console.config import load_configuration
    from console.output import print_json, show
    from console.standing import load_standing
    from console.views.status import status_document, status_report
    from facility.time import system_clock

    standing = load_standing(load_configuration(config), system_clock())
    if output is Format.JSON:
        print_json(status_document(standing))
    else:
        show(*status_report(standing))
