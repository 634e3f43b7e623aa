"""``kado demo``."""

from pathlib import Path
from typing import Annotated

import typer


def demo(
    data_dir: Annotated[
        Path, typer.Option(help="Where the demonstration keeps its data; reused the next time.")
    ] = Path(".demo"),
    seconds: Annotated[
        float | None,
        typer.Option(envvar="KADO_DEMO_SECONDS", min=0, help="End by itself; without a terminal after 20 s."),
    ] = None,
) -> None:
    r"""Watch a simulated storage ring; needs no server.

    Back-fills the last and the running month, prints last month's availability, and then shows the machine live until
    Ctrl-C. Leaves a kado.toml in its folder, so that all other commands work there too.

    \b
    Examples:
      kado demo
      kado availability --config .demo/kado.toml --period 2026-10
      kado simulate inject beam_dump --config .demo/kado.toml
    """
    from console.demonstration import run_demonstration

    run_demonstration(data_dir, seconds)
