"""Where the development data lies, which is not part of the project."""

from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "shared" / "data"
needs_shared_data = pytest.mark.skipif(not FOLDER.is_dir(), reason="the development data (shared/data) is not here")
