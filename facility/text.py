"""Words for people, in English and Japanese."""

from typing import Literal

from pydantic import ConfigDict

from facility.shared_keys import SharedKeys

Language = Literal["en", "ja"]


class Text(SharedKeys):
    """The same words in each language of kado."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    en: str
    ja: str

    def in_language(self, language: Language) -> str:
        """Return the words in `language`."""
        return self.ja if language == "ja" else self.en


SIMULATED = Text(en="SIMULATED", ja="模擬データ")
"""Stands on every table, page, chart and report of a simulated facility."""
