"""Prints a command of the README: `run` (the first) or `tests` (the second), the one-line blocks marked as sh."""

import re
import sys
from pathlib import Path

blocks = re.findall(
    r"```sh\n([^\n]+)\n```", Path(__file__).parents[1].joinpath("README.md").read_text(encoding="utf-8")
)
print(blocks[{"run": 0, "tests": 1}[sys.argv[1]]])
