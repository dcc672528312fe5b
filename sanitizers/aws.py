"""Amazon's services through boto3, which is imported when first needed and finds its credentials itself.

That is, in the environment, in ~/.aws, or in the role of the machine or container: never in the settings.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sanitizers.errors import EndpointFailed, SettingsInvalid


def client(service: str, region: str | None = None) -> Any:
    """boto3's client of that service. SettingsInvalid when boto3, a region or a named profile is missing."""
    try:
        import boto3
        from botocore.config import Config
        from botocore.exceptions import BotoCoreError
    except ImportError:
        hint = "pip install boto3, or understudy[aws]"
        raise SettingsInvalid(f"boto3 is not installed, which {service} takes", hint=hint) from None
    # When debugging it logs whole requests, and there are passwords in them.
    logging.getLogger("botocore").setLevel(logging.INFO)
    bounds = Config(connect_timeout=10, read_timeout=20, retries={"mode": "standard", "max_attempts": 3})
    try:
        # A session of its own looks for credentials anew; a shared one keeps what it found first.
        return boto3.Session(region_name=region).client(service, config=bounds)
    except BotoCoreError as error:
        hint = "give the endpoint a `region:`, or set AWS_DEFAULT_REGION; see also AWS_PROFILE"
        raise SettingsInvalid(f"no client of {service}: {type(error).__name__}", hint=hint) from None


@contextmanager
def answering(doing: str, where: str) -> Iterator[None]:
    """Turns boto3's errors into EndpointFailed, by their code: messages repeat what was sent."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
        return
    except ClientError as error:
        why = str(error.response["Error"]["Code"])
    except BotoCoreError as error:
        why = type(error).__name__
    hint = "are the credentials that boto3 finds here the right ones, and do they allow it?"
    raise EndpointFailed(f"{doing} failed: {why}", where=where, hint=hint)
