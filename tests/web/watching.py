"""Reading what engineers are told: the log as it is written, in both formats, and the page of the metrics."""

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import StringIO
from typing import Any

from calling import Caller
from prometheus_client.parser import text_string_to_metric_families

from benegraph import telemetry

#: What is logged by: the root, and libraries with levels of their own.
LOGGERS = ("", "aiohttp", "asyncio", "asyncpg", "sqlalchemy", "sqlalchemy.engine", "sqlalchemy.pool", "benegraph")


@dataclass(frozen=True)
class Log:
    """All that was logged for a while."""

    json: StringIO
    text: StringIO

    @property
    def records(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.json.getvalue().splitlines()]

    def of(self, logger: str) -> list[dict[str, Any]]:
        return [record for record in self.records if record["logger"] == logger]

    @property
    def access(self) -> list[dict[str, Any]]:
        return self.of("aiohttp.access")


@contextmanager
def logging_to(level: str = "DEBUG") -> Iterator[Log]:
    """Have everything logged from a level on; with DEBUG, also what libraries would keep to themselves."""
    log = Log(StringIO(), StringIO())
    handlers = [telemetry.create_log_handler("json", log.json), telemetry.create_log_handler("text", log.text)]
    loggers = [logging.getLogger(name) for name in LOGGERS]
    levels = [logger.level for logger in loggers]
    for handler in handlers:
        loggers[0].addHandler(handler)
    for logger in loggers if level == "DEBUG" else loggers[:1]:
        logger.setLevel(level)
    try:
        yield log
    finally:
        for handler in handlers:
            loggers[0].removeHandler(handler)
        for logger, former in zip(loggers, levels, strict=True):
            logger.setLevel(former)


async def numbers(caller: Caller) -> dict[str, float]:
    """Read the metrics' page: each sample's number by its name and labels, as the page writes them."""
    response = await caller.client.get("/metrics")
    assert response.status == 200
    assert response.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    return samples(await response.text())


def samples(page: str) -> dict[str, float]:
    found = {}
    for family in text_string_to_metric_families(page):
        for sample in family.samples:
            labels = ",".join(f"{name}={value}" for name, value in sorted(sample.labels.items()))
            found[f"{sample.name}{{{labels}}}" if labels else sample.name] = sample.value
    return found
