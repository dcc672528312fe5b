"""Where benchmarks write what they found: one JSON object, whose keys stay what they are."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any

RESULTS = Path(__file__).parent / "results.json"


def record(**found: Any) -> None:
    """Adds to the results, and prints it."""
    known = json.loads(RESULTS.read_text()) if RESULTS.is_file() else {}
    RESULTS.write_text(json.dumps({**known, **found}, indent=2, sort_keys=True) + "\n")
    print(json.dumps(found, indent=2), flush=True)


def best(call: Callable[[], object], runs: int = 3) -> float:
    """Seconds of the fastest run: the others have waited for something else."""
    return min(seconds(call) for _ in range(runs))


def seconds(call: Callable[[], object]) -> float:
    begun = perf_counter()
    call()
    return perf_counter() - begun
