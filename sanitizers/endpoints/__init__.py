"""Endpoint providers by name. A new one: one module beside these, one line in `PROVIDERS`."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from typing import Any, Final

from sanitizers.endpoints.base import EndpointProvider
from sanitizers.endpoints.command import Command
from sanitizers.endpoints.dns import Dns
from sanitizers.endpoints.multi import Multi
from sanitizers.endpoints.parameter import Parameter
from sanitizers.endpoints.pgbouncer import PgBouncer
from sanitizers.endpoints.rename import Rename
from sanitizers.endpoints.service import Service
from sanitizers.errors import SettingsInvalid
from sanitizers.settings import AnyEndpoint, MultiSettings


def _together(settings: MultiSettings) -> Multi:
    return Multi([(f"{one.provider} {one.service}", endpoint_provider(one)) for one in settings.endpoints])


PROVIDERS: Final[dict[str, Callable[[Any], EndpointProvider]]] = {
    "command": Command,
    "dns": Dns,
    "multi": _together,
    "parameter": Parameter,
    "pgbouncer": PgBouncer,
    "rename": Rename,
    "service": Service,
}


def endpoint_provider(settings: AnyEndpoint) -> EndpointProvider:
    """The provider the settings choose; SettingsInvalid when it is unknown."""
    if settings.provider not in PROVIDERS:
        near = difflib.get_close_matches(settings.provider, PROVIDERS, 1)
        hint = f"did you mean {near[0]}? " if near else ""
        raise SettingsInvalid(
            f"unknown endpoint provider {settings.provider!r}",
            hint=f"{hint}known: {', '.join(sorted(PROVIDERS))}",
        )
    return PROVIDERS[settings.provider](settings)
