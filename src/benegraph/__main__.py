"""The program `benegraph`, also as `python -m benegraph`."""

import sys


def main() -> None:
    """Run the command line. On a terminal, `serve` writes before the imports, which may take seconds the first time."""
    arguments = sys.argv[1:]
    if arguments[:1] == ["serve"] and "--help" not in arguments and sys.stderr.isatty():
        sys.stderr.write("  Starting …\r")  # the spinner of `cli.status` replaces it
        sys.stderr.flush()
    from benegraph.cli import app  # noqa: PLC0415 - it may take longer than a user waits without a sign

    app(prog_name="benegraph")


if __name__ == "__main__":
    main()
