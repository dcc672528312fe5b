"""Migration adapters by name. A new one is a module of its own and a line here."""

from __future__ import annotations

import difflib

from sanitizers.catalog import Name
from sanitizers.errors import SettingsInvalid
from sanitizers.migrations.base import MigrationAdapter
from sanitizers.migrations.flyway import Flyway
from sanitizers.migrations.golang import Golang
from sanitizers.settings import MigrationSettings

_ADAPTERS: dict[str, type[Flyway] | type[Golang]] = {"flyway": Flyway, "golang": Golang}


def migration_adapter(settings: MigrationSettings) -> MigrationAdapter:
    """The adapter that the settings name; SettingsInvalid with the nearest spelling when there is none."""
    return _adapter(settings.provider)(settings.directory, settings.ledger)


def ledger_of(settings: MigrationSettings) -> Name:
    """The table in which production records its migrations."""
    return Name.parse(settings.ledger or _adapter(settings.provider).LEDGER)


def _adapter(name: str) -> type[Flyway] | type[Golang]:
    if name in _ADAPTERS:
        return _ADAPTERS[name]
    near = difflib.get_close_matches(name, _ADAPTERS, 1)
    hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(_ADAPTERS)}"
    raise SettingsInvalid(f"no migration provider named {name!r}", where="migrations.provider", hint=hint)
