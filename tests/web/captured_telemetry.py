"""Captures the logs in all formats, and reads the metrics."""

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import StringIO
from typing import Any

from api_client import ApiClient
from prometheus_client.parser import text_string_to_metric_families

from benegraph import telemetry

#: The root logger, and libraries whose loggers have a level of their own.
LOGGERS = ("", "aiohttp", "asyncio", "asyncpg", "sqlalchemy", "sqlalchemy.engine", "sqlalchemy.pool", "benegraph")


@dataclass(frozen=True)
class CapturedLogs:
    """Everything that was logged while capturing."""

    json: StringIO
    text: StringIO
    ecs: StringIO

    @property
    def records(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.json.getvalue().splitlines()]

    @property
    def ecs_records(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.ecs.getvalue().splitlines()]

    @property
    def content(self) -> str:
        """Everything that was logged, in all formats."""
        return self.json.getvalue() + self.text.getvalue() + self.ecs.getvalue()

    def records_of(self, logger: str) -> list[dict[str, Any]]:
        return [record for record in self.records if record["logger"] == logger]

    @property
    def access_records(self) -> list[dict[str, Any]]:
        return self.records_of("aiohttp.access")


@contextmanager
def captured_logs(level: str = "DEBUG") -> Iterator[CapturedLogs]:
    """Capture logs of at least this level. With DEBUG, also lower the levels of libraries."""
    logs = CapturedLogs(StringIO(), StringIO(), StringIO())
    handlers = [telemetry.create_log_handler(name, getattr(logs, name)) for name in ("json", "text", "ecs")]
    loggers = [logging.getLogger(name) for name in LOGGERS]
    levels = [logger.level for logger in loggers]
    for handler in handlers:
        loggers[0].addHandler(handler)
    for logger in loggers if level == "DEBUG" else loggers[:1]:
        logger.setLevel(level)
    try:
        yield logs
    finally:
        for handler in handlers:
            loggers[0].removeHandler(handler)
        for logger, old_level in zip(loggers, levels, strict=True):
            logger.setLevel(old_level)


async def read_metrics(api: ApiClient) -> dict[str, float]:
    """Return the value of each sample of the metrics endpoint, by its name and labels."""
    response = await api.http.get("/metrics")
    assert response.status == 200
    assert response.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    return parse_metrics(await response.text())


def parse_metrics(page: str) -> dict[str, float]:
    values = {}
    for family in text_string_to_metric_families(page):
        for sample in family.samples:
            labels = ",".join(f"{name}={value}" for name, value in sorted(sample.labels.items()))
            values[f"{sample.name}{{{labels}}}" if labels else sample.name] = sample.value
    return values
