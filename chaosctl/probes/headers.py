"""Why: tokens belong in the environment or in a Secret, never in a playbook, a journal or a message."""

import base64
import binascii
import os
from collections.abc import Mapping
from typing import Annotated

from pydantic import ConfigDict, Field

from chaosctl.errors import NoData
from chaosctl.model import Model, Ref
from chaosctl.probes.sources import fetch
from chaosctl.spec import View
from chaosctl.targets.fields import texts


class FromEnvironment(Model):
    """The value of an environment variable, read where chaosctl runs."""

    env: str


class SecretKey(Model):
    """A key of a Secret in the target's namespace."""

    name: str
    key: str


class FromSecret(Model):
    """The value under a key of a Secret."""

    model_config = ConfigDict(validate_by_name=True, validate_by_alias=True)

    secret_ref: SecretKey = Field(alias="secretRef")


HeaderValue = str | FromEnvironment | FromSecret
Url = Annotated[str, Field(pattern=r"^https?://[^/?#@\s]+([/?#]|$)")]
"""Without a user and a password, which every reader of the playbook would learn; headers carry them."""


async def resolved(headers: Mapping[str, HeaderValue], view: View) -> dict[str, str]:
    """The headers with what they refer to. Raises NoData, without the value in its message."""
    return {name: _sendable(name, await _value(value, view)) for name, value in headers.items()}


async def _value(value: HeaderValue, view: View) -> str:
    match value:
        case FromEnvironment():
            return _from_environment(value.env)
        case FromSecret():
            return await _from_secret(value.secret_ref, view)
    return value


def _from_environment(name: str) -> str:
    if name not in os.environ:
        raise NoData(f"the environment variable {name} is not set")
    return os.environ[name]


async def _from_secret(reference: SecretKey, view: View) -> str:
    ref = Ref(kind="Secret", namespace=view.target.namespace, name=reference.name)
    data = texts(await fetch(view, ref), "/data")
    if reference.key not in data:
        raise NoData(f"{ref} has no key {reference.key}")
    try:
        return base64.b64decode(data[reference.key], validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise NoData(f"{ref}: the value under {reference.key} is not text") from None


def _sendable(name: str, value: str) -> str:
    value = value.strip()  # Secrets made from files end with a newline
    if not value.isprintable():
        raise NoData(f"the value of the header {name} is not printable, so it cannot be sent")
    return value
