"""``kado store status``."""

from console.command import ConfigOption, Format, FormatOption


def store_status(config: ConfigOption = None, output: FormatOption = Format.TABLE) -> None:
    r"""Show what is kept, and how long the disk will last.

    Of each signal samples, files and bytes, first and last stamp, and for how long it is kept. Works beside a
    running kado. Counts every row that is not sealed yet.

    \b
    Examples:
      kado store status
      kado store status --format json
    """
    from console.care.inventory import load_inventory
    from console.config import load_configuration
    from console.output import print_json, show
    from console.views.store import inventory_document, inventory_report
    from facility.time import system_clock

    inventory = load_inventory(load_configuration(config), system_clock())
    if output is Format.JSON:
        print_json(inventory_document(inventory))
    else:
        show(*inventory_report(inventory))
