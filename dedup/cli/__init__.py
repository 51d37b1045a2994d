"""The command line: words to calls and back. The only door to click and tqdm.

Whatever needs NumPy is imported where it is used: `dedup --help` answers at once.
"""

import gc

# To start makes fifty thousand objects that stay: to look among them for cycles sixty times takes a twentieth of it
gc.set_threshold(1 << 16)

from dedup.cli import afterwards, index, looking, scanning  # noqa: E402  (each registers its commands)
from dedup.cli.entry import main  # noqa: E402

__all__ = ["afterwards", "index", "looking", "main", "scanning"]
