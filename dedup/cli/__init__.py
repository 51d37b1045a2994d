"""The command line: words to calls and back. The only door to click and tqdm.

Whatever needs NumPy is imported where it is used: `dedup --help` answers at once.
"""

from dedup.cli import afterwards, index, looking, scanning  # each registers its commands
from dedup.cli.entry import main

__all__ = ["afterwards", "index", "looking", "main", "scanning"]
