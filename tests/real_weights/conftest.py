"""These tests load up to 11 GB: they run only when they are asked for by their mark."""

import pytest


def pytest_collection_modifyitems(config, items):
    if "real_weights" not in config.getoption("-m"):
        for item in items:
            if item.get_closest_marker("real_weights"):
                item.add_marker(pytest.mark.skip(reason="loads real checkpoints; run pytest -m real_weights"))
