"""The entry point: exit codes, signals, closed streams, and what becomes of an error."""

from __future__ import annotations

import gc
import os
import signal
import sys
from contextlib import suppress
from typing import Any, NoReturn

import click

from dedup.cli.group import commands
from dedup.cli.wording import say
from dedup.errors import DedupError


def main() -> NoReturn:
    """The entry point: exit codes 0 done, 1 where asked, 2 no answer, 130 interrupted."""
    # NumPy's linear algebra, of which nothing here makes use, would start threads that spin for a while as they wait:
    # before it is imported, in this process and those that it starts. OMP_NUM_THREADS is left alone: PyArrow heeds it.
    for name in ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(name, "1")
    _fill_closed_streams()
    # a run that is told to end removes what it has half written, as after Ctrl-C; nohup has SIGHUP ignored
    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, signal.default_int_handler)
    code = _flushed(_exit_code())
    gc.freeze()  # else Python would look for cycles among all that lives once more, only to end with it
    sys.exit(code)


def _exit_code() -> int:
    try:
        return commands.main(standalone_mode=False) or 0
    except click.exceptions.Abort as interrupt:
        say(f"dedup: interrupted; {str(interrupt.__cause__ or '') or 'nothing was written'}")
        # CPython notes an interrupt that leaves an exec(), as in dataclass(), and would die of SIGINT whatever it is
        # told to exit with; the next exec() clears the note
        exec("")
        return 130
    except click.ClickException as error:
        with suppress(OSError, ValueError):
            error.show()
        return error.exit_code
    except DedupError as error:
        _tell_more()
        say(f"dedup: {error}")
    except (BrokenPipeError, SystemExit):
        # the reader of our output left; click answers with exit code 1, which here means duplicates
        _discard(sys.stdout)
    except OSError as error:
        _tell_more()
        where = f"{error.filename}: " if error.filename else ""
        say(f"dedup: {where}{error.strerror or error}")
    except MemoryError as error:
        _tell_more()
        what = " ".join(str(error).split())
        say(
            f"dedup: there is no more memory{what and f' ({what})'}; pass a smaller --memory or --workers, or see what "
            "limits it, such as ulimit -v"
        )
    except Exception as error:
        _tell_more()
        what = " ".join(f"{type(error).__name__}: {error}".split())
        say(f"dedup: unexpected error, {what}; please report it with what --debug shows")
    return 2


def _tell_more() -> None:
    """The traceback of the error at hand, where it is asked for."""
    if os.environ.get("DEDUP_DEBUG", "0") not in ("", "0"):
        import traceback  # noqa: PLC0415

        say(traceback.format_exc().rstrip())


def _fill_closed_streams() -> None:
    """Takes the place of closed standard streams, lest a file that is opened later get their numbers."""
    while (number := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(number, True)
    os.close(number)
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115


def _flushed(code: int) -> int:
    """The exit code, once all output is out: what Python cannot flush at its end it would complain about."""
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None:
                stream.flush()
        except (OSError, ValueError):
            _discard(stream)
            code = code if stream is sys.stderr else 2
    return code


def _discard(stream: Any) -> None:
    """Lets what is still to be written to a stream vanish."""
    if stream is not None:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
