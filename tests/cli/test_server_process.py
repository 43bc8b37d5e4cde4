"""The start of a server process."""

import gc
import os
import socket
from collections.abc import Iterator

import pytest

from benegraph.cli.server_process import GC_THRESHOLD, WorkerConfig, serve_until_shutdown
from benegraph.db.session import Database
from benegraph.settings import Settings
from benegraph.web.pages import PagesConfig


@pytest.fixture
def default_collector() -> Iterator[None]:
    """Set the garbage collector to Python's defaults, and restore its settings afterwards."""
    previous = gc.get_threshold()
    gc.unfreeze()
    gc.set_threshold(700, 10, 10)
    yield
    gc.set_threshold(*previous)
    gc.freeze()


@pytest.mark.usefixtures("default_collector")
async def test_objects_loaded_before_the_first_request_are_frozen(database: Database) -> None:
    observed: list[tuple[int, tuple[int, int, int]]] = []

    def on_ready() -> None:
        observed.append((gc.get_freeze_count(), gc.get_threshold()))

    async def wait_for_shutdown() -> None:
        assert len(observed) == 1

    frozen_before, (_, *other_thresholds) = gc.get_freeze_count(), gc.get_threshold()
    config = WorkerConfig(Settings.from_environment({"XDG_CACHE_HOME": os.devnull}), PagesConfig(), None)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        await serve_until_shutdown(database, listener, config, on_ready, wait_for_shutdown)
    ((frozen, thresholds),) = observed
    assert frozen > frozen_before + 50_000
    assert thresholds == (GC_THRESHOLD, *other_thresholds)
