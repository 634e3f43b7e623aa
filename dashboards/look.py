"""How values look: unit, decimals, thresholds, words for codes and for no data."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from dashboards.sdk import dashboard

GREEN: Final = "green"
BLUE: Final = "blue"
ORANGE: Final = "orange"
RED: Final = "red"
PURPLE: Final = "purple"
GREY: Final = "#7b8087"
DARK: Final = "#3d4148"


@dataclass(frozen=True, slots=True)
class Look:
    """How the values of a panel look."""

    unit: str
    """As Grafana names it: ``percent``, ``s``, ``suffix: mA``, ``none``."""
    decimals: int
    no_value: str
    """What stands where there is no data."""
    steps: tuple[tuple[float | None, str], ...]
    """Lower edge and colour, from the lowest; the first edge is None."""
    mappings: tuple[dashboard.ValueMapping, ...] = ()
    least: float | None = None
    most: float | None = None
    fixed_color: str | None = None
    palette: bool = False
    """A colour for each series instead of by thresholds."""

    def config(self, custom: object = None) -> dashboard.FieldConfig:
        """Return it as the defaults of a panel's fields."""
        if self.fixed_color is not None:
            color = dashboard.FieldColor(mode=dashboard.FieldColorModeId.FIXED, fixed_color=self.fixed_color)
        elif self.palette:
            color = dashboard.FieldColor(mode=dashboard.FieldColorModeId.PALETTE_CLASSIC)
        else:
            color = dashboard.FieldColor(mode=dashboard.FieldColorModeId.THRESHOLDS)
        return dashboard.FieldConfig(
            unit=self.unit,
            decimals=self.decimals,
            no_value=self.no_value,
            min_val=self.least,
            max_val=self.most,
            mappings=list(self.mappings),
            thresholds=dashboard.ThresholdsConfig(
                mode=dashboard.ThresholdsMode.ABSOLUTE,
                steps=[dashboard.Threshold(value=value, color=color) for value, color in self.steps],
            ),
            color=color,
            custom=custom,
        )


def over(*steps: tuple[float, str]) -> tuple[tuple[float | None, str], ...]:
    """Return steps with grey below the first one, which is the colour of no data too."""
    return ((None, GREY), *steps)


LOWEST: Final = -1e12
"""Below every value: where the first colour begins."""


def words(named: Sequence[tuple[str, str, str]]) -> tuple[dashboard.ValueMapping, ...]:
    """Return a mapping of values to text and colour, from rows of value, text and colour."""
    return (
        dashboard.ValueMap(
            options={
                value: dashboard.ValueMappingResult(text=text, color=color, index=index)
                for index, (value, text, color) in enumerate(named)
            }
        ),
    )
