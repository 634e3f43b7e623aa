"""One object for what thousands of rules have in common."""

from functools import lru_cache
from typing import Any

from pydantic import BaseModel


@lru_cache(maxsize=1024)
def _one_set(names: frozenset[str]) -> set[str]:
    return set(names)


class SharedKeys(BaseModel):
    """A frozen model for thousands of objects: those that give the same keys share the set of their names.

    pydantic keeps a set for each object, 0.7 kB for a rule. A frozen model never changes it, and a copy gets its own.
    """

    def model_post_init(self, context: Any, /) -> None:
        """Share the set of names of the keys that were given."""
        object.__setattr__(self, "__pydantic_fields_set__", _one_set(frozenset(self.model_fields_set)))
