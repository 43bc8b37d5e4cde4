"""Completion of commands and options in a shell, as `--install-completion` and `--show-completion` set it up."""

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

BINARIES = Path(sys.executable).parent
needs_bash = pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")


def run_bash(script: str, home: Path) -> str:
    # The command finds the name of its shell among its parents. Bash would replace itself with the last command.
    result = subprocess.run(  # noqa: S603 - a constant script
        [shutil.which("bash") or "bash", "--norc", "-c", f"{script}\n:"],
        env={"PATH": f"{BINARIES}:{os.environ['PATH']}", "HOME": str(home)},  # noqa: TID251 - the environment of a subprocess
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def complete(line: str, home: Path) -> list[str]:
    """Return bash's completions of the last word of a line, from the function that the command prints."""
    words = line.split(" ")
    script = f"""
eval "$(benegraph --show-completion)"
COMP_WORDS=({shlex.join(words)}) COMP_CWORD={len(words) - 1}
$(complete -p benegraph | sed 's/.*-F \\([^ ]*\\) .*/\\1/') benegraph
printf '%s\\n' "${{COMPREPLY[@]}}"
"""
    return run_bash(script, home).split()


@needs_bash
@pytest.mark.parametrize(
    ("line", "completions"),
    [
        ("benegraph se", ["serve", "seed"]),
        ("benegraph keys ", ["issue", "list", "revoke"]),
        ("benegraph keys issue --cre", ["--create-tenant"]),
        ("benegraph nothing", []),
    ],
)
def test_bash_completes_commands_and_options(tmp_path: Path, line: str, completions: list[str]) -> None:
    assert complete(line, tmp_path) == completions


@needs_bash
def test_installed_completion_is_loaded_by_bash(tmp_path: Path) -> None:
    run_bash("benegraph --install-completion", tmp_path)
    assert (tmp_path / ".bashrc").is_file()
    assert "-F" in run_bash('source "$HOME/.bashrc"; complete -p benegraph', tmp_path)
