"""What a process does as it begins to answer."""

import gc
import os
import socket
from collections.abc import Iterator

import pytest

from benegraph.cli.server_process import YOUNG, Manner, answer
from benegraph.db.session import Database
from benegraph.settings import Settings
from benegraph.web.explorer import ExplorerConfig


@pytest.fixture
def collector() -> Iterator[None]:
    """Begin with a collector that nobody has told anything, and leave it as it was for the tests that follow."""
    usual = gc.get_threshold()
    gc.unfreeze()
    gc.set_threshold(700, 10, 10)
    yield
    gc.set_threshold(*usual)
    gc.freeze()


@pytest.mark.usefixtures("collector")
async def test_the_collector_passes_over_what_was_loaded_before_the_first_request(database: Database) -> None:
    found: list[tuple[int, tuple[int, int, int]]] = []

    def ready() -> None:
        found.append((gc.get_freeze_count(), gc.get_threshold()))

    async def told() -> None:
        assert len(found) == 1

    frozen, (_, *others) = gc.get_freeze_count(), gc.get_threshold()
    manner = Manner(Settings.from_environment({"XDG_CACHE_HOME": os.devnull}), ExplorerConfig(), None)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        await answer(database, listener, manner, ready, told)
    ((now, threshold),) = found
    assert now > frozen + 50_000
    assert threshold == (YOUNG, *others)
