"""Starts the command line: ``kado`` and ``python -m kado``."""

import sys

from kado.own_packages import foreign_room


def main() -> None:
    """Check that kado is whole, then run the command line."""
    if problem := foreign_room():
        print(f"kado: {problem}", file=sys.stderr)
        sys.exit(2)
    # Only now: the command line imports the packages that were checked.
    from kado.process_exit import Ending

    ending = Ending()
    from kado.cli.main import app

    try:
        app(prog_name="kado")
    except SystemExit as end:
        ending.ends_with(end)
        raise


if __name__ == "__main__":
    main()
