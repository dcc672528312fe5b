"""What the search of a server's files for originals costs: as a multiple of merely reading them.

    python -m benchmarks.forensics [--rows 3000000] [--needles 10000]

The files of a server with a table of patients and its indexes, all of them in the system's cache, and needles
that are not there. Both are measured in turns in one run, in time of one processor.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from random import Random
from time import process_time

from benchmarks.figures import record
from benchmarks.scrub import seed, server
from sanitizers.forensics.files import search_files
from sanitizers.forensics.matcher import Matcher
from sanitizers.forensics.needles import Needle, Needles
from sanitizers.forensics.places import Relations, relation_names
from sanitizers.postgres.binaries import find_binaries
from sanitizers.postgres.cluster import Cluster


def values() -> Iterator[str]:
    """Of the kinds that the table has, by rules that none of its values follows."""
    chance = Random(1)
    while True:
        number = chance.randrange(10**9)
        first, last = chance.randrange(2000), chance.randrange(20_000)
        yield f"9{number % 100:02d}-{number // 100 % 90 + 10}-{number % 9000 + 1000}"
        yield f"First{first} Second Last{last}"
        yield f"person.{number}@post.example.org"
        yield f"339-555-{number:09d}"
        yield f"{number % 10_000} Lane of Oaks {last}"
        yield f"MRX{number:09d}"


def read(directory: Path) -> int:
    """Reads every file and does nothing with it; the bytes there were."""
    size, room = 0, bytearray(1 << 20)
    for path in directory.rglob("*"):
        if path.is_file():
            with path.open("rb", buffering=0) as file:
                while count := file.readinto(room):
                    size += count
    return size


def of_processor(call: Callable[[], object]) -> float:
    """Seconds that one processor would have worked for it, whatever else the machine did."""
    begun = process_time()
    call()
    return process_time() - begun


def measure(directory: Path, relations: Relations, needles: Needles) -> None:
    built, matcher, size = of_processor(lambda: Matcher(needles)), Matcher(needles), read(directory)

    def search() -> None:
        found = search_files(directory, relations, matcher, workers=1, progress=lambda done, of: None)
        assert not found.found, "the needles are not in there"

    reads, searches = [], []
    for _ in range(3):
        reads.append(of_processor(lambda: read(directory)))
        searches.append(of_processor(search))
    record(
        forensic_gb_per_second=round(size / min(searches) / 1e9, 2),
        forensic_vs_read=round(min(searches) / min(reads), 1),
        forensic_gb=round(size / 1e9, 2),
        forensic_needles=len(needles),
        forensic_matcher_seconds=round(built, 2),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description="What the search for originals costs beside reading.")
    parser.add_argument("--rows", type=int, default=3_000_000)
    parser.add_argument("--needles", type=int, default=10_000)
    wanted = parser.parse_args()
    needles = Needles(Needle("public.patients.x", one.encode()) for one in islice(values(), wanted.needles))
    with tempfile.TemporaryDirectory(prefix="understudy-bench-") as name:
        os.chmod(name, 0o755)
        with server(Path(name)) as connection:
            seed(connection, wanted.rows)
            relations = relation_names(connection)
        cluster = Cluster(Path(name) / "server", find_binaries(18, home=Path(name)))
        # A purged clone has no WAL of how its rows came to be.
        cluster.tool("pg_resetwal", "--force", "--pgdata", cluster.data)
        measure(cluster.directory, relations, needles)


if __name__ == "__main__":
    main()
