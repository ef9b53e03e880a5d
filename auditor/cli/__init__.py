"""The command line: one file a command, found by scanning this package; nothing else of `auditor` prints."""

from __future__ import annotations

import atexit
import importlib
import io
import os
import pkgutil
import sys
import traceback
from copy import copy
from pathlib import Path
from typing import Any

import click

from auditor import __version__
from auditor.cli import _options
from auditor.errors import AuditorError
from auditor.language import chinese, say

HELP_WIDTH, OPTION_WIDTH = 76, 44  # cells
EXIT_ERROR = 2
EXIT_INTERRUPTED = 130


class CommandFolder(click.Group):
    """A group whose commands are the modules of a package that do not start with an underscore.

    Parameters
    ----------
    package
        Name of the package; of this one if it is not given. `run_due` is called ``run-due``.
    """

    def __init__(self, *args: Any, package: str = __name__, **options: Any) -> None:
        super().__init__(*args, **options)
        self.package = package

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 -- click's signature
        """Names of all commands, sorted."""
        path = importlib.import_module(self.package).__path__
        names = sorted(m.name for m in pkgutil.iter_modules(path) if not m.name.startswith("_"))
        return [name.replace("_", "-") for name in names]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one command when it is asked for."""
        if cmd_name not in self.list_commands(ctx):
            return None
        name = f"{self.package}.{cmd_name.replace('-', '_')}"
        command: click.Command = importlib.import_module(name).command
        return _translated(command) if _options.language() == "zh" else command


def _translated(command: click.Command) -> click.Command:
    r"""Put what `--help` prints of a command into Chinese, broken into lines here: click counts characters.

    A paragraph that begins with ``\b`` stays as it is.
    """
    from auditor import manual
    from auditor.wrapping import wrapped

    def laid(text: str, width: int) -> str:
        return "\n".join(["\b", *wrapped(text, width)])

    command = copy(command)
    command.params = [copy(option) for option in command.params]
    paragraphs = [text.zh for section in manual.sections(command.help or "") for text in section.paragraphs]
    if paragraphs:
        command.short_help = paragraphs[0]
        command.help = "\n\n".join(laid(text, HELP_WIDTH) for text in paragraphs)
    for option in command.params:
        if isinstance(option, click.Option) and option.help:
            option.help = laid(chinese(option.help), OPTION_WIDTH)
    if isinstance(command, click.Group):  # those of a folder are translated when they are asked for
        command.commands = {name: _translated(own) for name, own in command.commands.items()}
    return command


@click.group(cls=CommandFolder, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="auditor")
def cli() -> None:
    """Check a declared telecom network against the Circular 107 (2024) pilot.

    Exit codes: 0 pass or not applicable, 1 fail, 2 could not run, 3 inconclusive,
    4 integrity check failed, 130 interrupted.
    """


def main() -> None:
    """Run the command line and turn every error into an exit code and a message on stderr."""
    _prepare_streams()
    # Arrow's own allocator gives memory back and fetches it again; for one short run that only costs time.
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
    try:
        status = (_translated(cli) if _options.language() == "zh" else cli).main(standalone_mode=False)
    except click.exceptions.Abort:
        sys.exit(EXIT_INTERRUPTED)
    except KeyboardInterrupt:
        sys.exit(EXIT_INTERRUPTED)
    except click.ClickException as error:
        shown = io.StringIO()
        error.show(shown)
        _options.tell_lines(shown.getvalue().removesuffix("\n"))
        sys.exit(EXIT_ERROR)
    except AuditorError as error:
        told = error.in_(_options.language())
        _options.tell_lines(f"auditor: {told}" if "\n" not in told else f"auditor:\n{told}")
        sys.exit(EXIT_ERROR)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(EXIT_ERROR)
    except OSError as error:
        from auditor.files import reason_of

        why = AuditorError(reason_of(error)).in_(_options.language())
        _options.tell_lines(f"auditor: {f'{error.filename}: ' if error.filename else ''}{why}")
        sys.exit(EXIT_ERROR)
    except Exception as error:  # noqa: BLE001 -- Python's own exit code, 1, would read as the verdict fail
        _options.tell_lines(traceback.format_exc())
        defect = say(
            "auditor: broke off with {error}, a defect of auditor; please report these lines",
            error=type(error).__name__,
        )
        _options.tell_lines(defect.in_(_options.language()))
        sys.exit(EXIT_ERROR)
    sys.exit(status if isinstance(status, int) else 0)


def run() -> None:
    """Run `main` as a process, and end it without taking the interpreter apart.

    Threads of Arrow let go of Python's memory a little after their work is done; where the interpreter is
    taken apart by then they abort the process, once in some dozens of runs (apache/arrow issue 34314), and
    the verdict in the exit code is lost. Freeing a large network's memory bit by bit is spared, too.
    """
    status = EXIT_ERROR
    try:
        main()
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else EXIT_ERROR
    atexit._run_exitfuncs()  # noqa: SLF001 -- what an ordinary exit does first
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except (OSError, ValueError):  # Python itself knows how to end where nobody listens
        sys.exit(status)
    os._exit(status)


def _prepare_streams() -> None:
    """Make streams that cannot fail on Chinese, and one to write to where the caller closed it."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by the caller: the exit code alone tells
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115 -- lives as long as the process
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a terminal set to ASCII must not break on Chinese
            stream.reconfigure(errors="backslashreplace")
