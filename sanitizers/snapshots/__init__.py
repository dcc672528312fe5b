"""Snapshot providers by name. A new one: one module beside these, one line in `PROVIDERS`."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from sanitizers.errors import SettingsInvalid
from sanitizers.settings import Target
from sanitizers.snapshots.base import SnapshotProvider
from sanitizers.snapshots.basebackup import BaseBackup
from sanitizers.snapshots.template import Template

PROVIDERS: Final[dict[str, type[BaseBackup] | type[Template]]] = {
    "basebackup": BaseBackup,
    "template": Template,
}


def snapshot_provider(
    target: Target, name: str, home: Path, binaries: Sequence[Path] = ()
) -> SnapshotProvider:
    """The provider the settings choose for the target called `name`; SettingsInvalid when it is unknown.

    `home` is Understudy's home, shared by all targets; `binaries` are further `bin` directories.
    """
    chosen = target.snapshot.provider
    if chosen not in PROVIDERS:
        near = difflib.get_close_matches(chosen, PROVIDERS, 1)
        hint = f"did you mean {near[0]}? " if near else ""
        raise SettingsInvalid(
            f"unknown snapshot provider {chosen!r}",
            where=f"targets.{name}.snapshot.provider",
            hint=f"{hint}known: {', '.join(sorted(PROVIDERS))}",
        )
    return PROVIDERS[chosen](target, name, home, binaries)
