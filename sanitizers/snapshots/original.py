"""The sealed original: an unscrubbed clone of a snapshot, which a generation is held against."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager

from sanitizers.postgres.connection import open_clone
from sanitizers.postgres.wires import cut_wires
from sanitizers.snapshots.base import CloneRef, Snapshot, SnapshotProvider


@contextmanager
def sealed_original(
    provider: SnapshotProvider, snapshot: Snapshot, generation: str, tables: Collection[str]
) -> Iterator[CloneRef]:
    """A clone, cut off as the generation's own was by the policy's `tables`; gone when the block ends."""
    label = f"{generation}-original"
    try:
        ref = provider.clone(snapshot, label)
        with open_clone(ref.dsn(), label, database_marker=provider.database_marker) as connection:
            cut_wires(connection, tables=tables, whole_server=False)
        yield ref
    finally:
        provider.destroy(label)
