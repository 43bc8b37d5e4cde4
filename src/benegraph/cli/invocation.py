"""Printed commands: with the program as the user called it, so that they can be pasted into the same shell."""

import shlex
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benegraph.settings import Settings

PROGRAM = "benegraph"


@dataclass(frozen=True, slots=True)
class Invocation:
    """How this process was started: its program, its virtual environment, and the shell's search path."""

    program: Path
    executable: str
    environment: Path
    working_directory: Path
    search_path: str
    by_uv: bool

    @classmethod
    def current(cls, settings: Settings) -> "Invocation":
        return cls(
            Path(sys.argv[0]).absolute(),
            sys.executable,
            Path(sys.prefix),
            Path.cwd(),
            settings.search_path,
            settings.is_run_by_uv,
        )

    def command(self, *words: str, data_dir: Path | None = None) -> str:
        """Return the shell command with these words, for the embedded database in `data_dir` if there is one."""
        options = [] if data_dir is None else ["--data-dir", str(data_dir.absolute())]
        return shlex.join([*self._program_words(), *words, *options])

    def _program_words(self) -> Sequence[str]:
        if self.program.stem != PROGRAM:  # the module was run, whose file is __main__.py
            return self.executable, "-m", PROGRAM
        if not self.by_uv:
            return [PROGRAM if self._is_found(PROGRAM, self.search_path) else str(self.program)]
        # `uv run` puts the environment's programs on the search path of this process, but not on the shell's.
        shell_path = self.search_path.removeprefix(str(self.program.parent))
        projects = (self.working_directory, *self.working_directory.parents)
        if self.environment.parent in projects and shutil.which("uv", path=shell_path):
            return "uv", "run", PROGRAM
        return [str(self.program)]

    def _is_found(self, name: str, search_path: str) -> bool:
        found = shutil.which(name, path=search_path)
        return found is not None and Path(found).resolve() == self.program.resolve()
