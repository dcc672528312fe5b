"""Endpoint providers by name. A new one: one module beside these, one line in `PROVIDERS`."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from typing import Final

from sanitizers.endpoints.base import EndpointProvider
from sanitizers.endpoints.pgbouncer import PgBouncer
from sanitizers.endpoints.service import Service
from sanitizers.errors import SettingsInvalid
from sanitizers.settings import EndpointSettings

PROVIDERS: Final[dict[str, Callable[[EndpointSettings], EndpointProvider]]] = {
    "pgbouncer": PgBouncer,
    "service": Service,
}


def endpoint_provider(settings: EndpointSettings) -> EndpointProvider:
    """The provider the settings choose; SettingsInvalid when it is unknown."""
    if settings.provider not in PROVIDERS:
        near = difflib.get_close_matches(settings.provider, PROVIDERS, 1)
        hint = f"did you mean {near[0]}? " if near else ""
        raise SettingsInvalid(
            f"unknown endpoint provider {settings.provider!r}",
            hint=f"{hint}known: {', '.join(sorted(PROVIDERS))}",
        )
    return PROVIDERS[settings.provider](settings)
