"""Where the recorded answers of other APIs are, if they are."""

import os
from pathlib import Path

FOLDER = Path(
    os.environ.get("SOCIALFRAME_SAMPLES") or Path(__file__).parents[2] / "shared" / "samples"
)
THERE = (FOLDER / "index.json").is_file()
