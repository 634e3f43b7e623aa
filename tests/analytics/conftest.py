"""The order of these tests."""

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put what takes long last, so that whatever another test finds is found soon."""
    items.sort(key=lambda item: item.path.name == "test_against_reference.py")
