"""What the README shows is what happens."""

import contextlib
import io
import re
import subprocess
import sys
from pathlib import Path

from dedup.settings import band_shape

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_main_command_prints_the_sums_that_are_shown(tmp_path):
    """The words of the first command, without the installation."""
    command = re.findall(r"```sh\n(.+)\n```", README)[0].split("&& .venv/bin/dedup ")[1]
    words = command.replace("dedup-out", str(tmp_path / "dedup-out")).split()
    done = subprocess.run([sys.executable, "-m", "dedup", *words], capture_output=True, check=True, cwd=ROOT)
    shown = re.search(r"```text\n(38 articles read.+)\n```", README).group(1)
    assert shown in done.stderr.decode()


def test_the_library_example_prints_what_is_shown():
    """Run as it stands."""
    code, shown = re.search(r"```python\n(.+?)```\n\n```text\n(.+?)```", README, re.DOTALL).groups()
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        exec(code, {})
    assert printed.getvalue() == shown


def test_the_index_example_prints_what_is_shown(tmp_path, monkeypatch):
    """Run as it stands."""
    monkeypatch.chdir(tmp_path)
    code, shown = re.findall(r"```python\n(.+?)```\n\n```text\n(.+?)```", README, re.DOTALL)[1]
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        exec(code, {})
    assert printed.getvalue() == shown


def test_the_commands_of_the_index_exist():
    """Each that the README shows."""
    shown = subprocess.run(
        [sys.executable, "-m", "dedup", "index", "--help"], capture_output=True, check=True
    ).stdout.decode()
    for command in set(re.findall(r"^dedup index ([a-z]+) ", README, re.MULTILINE)):
        assert f"  {command} " in shown


def test_the_bands_that_are_named_are_those_that_follow():
    """For both recalls."""
    assert "35 bands of 7 rows" in README
    assert band_shape(0.7, 0.95, 256) == (35, 7)
    bands, rows = band_shape(0.7, 0.99, 256)
    assert f"{bands} bands of {rows}" in README


def test_every_option_of_the_table_exists():
    """And so do the commands."""
    shown = subprocess.run(
        [sys.executable, "-m", "dedup", "clean", "--help"], capture_output=True, check=True
    ).stdout.decode()
    for option in re.findall(r"^\| `(--[a-z-]+)", README, re.MULTILINE):
        assert option in shown
