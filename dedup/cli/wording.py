"""What the command says beside its answer."""

from __future__ import annotations

from contextlib import suppress

import click


def say(line: str) -> None:
    """A line on stderr; where that is gone there is nobody to tell."""
    with suppress(OSError, ValueError):
        click.echo(line, err=True)
