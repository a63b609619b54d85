"""resources/NAME.yaml: one account on one platform."""

import os
import re
from typing import Annotated, Any
from urllib.parse import parse_qsl

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator
from pydantic_core import PydanticCustomError

from pullpush_dagster.connectors.yaml_source import NAME
from pullpush_dagster.errors import ConfigError

_VARIABLE = re.compile(r"^[A-Z][A-Z0-9_]*$")
_SECRET_LIKE = re.compile(r"secret|passw|pwd|passphrase|token|api_?key|key$|private|credential", re.IGNORECASE)
_USER_IN_URL = re.compile(r"//[^/?#]*@")
# Capitals and digits without a break, as in keys that are handed out; a variable of that length has words in it.
_VALUE_LIKE = re.compile(r"(?=.*\d)[A-Z0-9]{16,}")


def _variable(text: str) -> str:
    if not _VARIABLE.match(text) or _VALUE_LIKE.fullmatch(text):
        # The text may be the secret itself, so it is not repeated.
        raise ValueError("must be the NAME of an environment variable, such as SHOP_KEY, never a value")
    return text


def _secret_in(name: str, value: str) -> str | None:
    """Why a setting seems to hold a secret, without showing it; None: it does not."""
    if _SECRET_LIKE.search(name):
        return "looks like a secret: name its environment variable under secrets"
    if _USER_IN_URL.search(value):
        return "has a user or password in it: name their variables under secrets"
    query = [key for key, _ in parse_qsl(value.partition("?")[2], keep_blank_values=True)]
    if any(_SECRET_LIKE.search(key) for key in query):
        return "has a secret in its query: name its variable under secrets"
    return None


class Connection(BaseModel):
    """One account on one platform.

    Attributes:
        connector: the file that describes the platform; ``rest``: this one does, under ``api``.
        settings: what the connector asks for. secrets: names of environment variables, never values.
        api: what a connector file says, for a platform that only this connection has.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    connection: str = Field(pattern=NAME)
    connector: str = Field(pattern=NAME)
    settings: dict[str, str] = {}
    api: dict[str, Any] | None = None
    secrets: dict[str, Annotated[str, AfterValidator(_variable)]] = {}

    @field_validator("settings")
    @classmethod
    def _no_secret_in_settings(cls, settings: dict[str, str]) -> dict[str, str]:
        for name, value in settings.items():
            reason = _secret_in(name, value)
            if reason is not None:
                raise PydanticCustomError("secret", "{reason}", {"reason": reason, "below": name})
        return settings

    def secret_values(self) -> dict[str, str]:
        """The secrets themselves, from the environment, for the moment of use.

        Raises:
            ConfigError: a variable is not set, or has blanks around it; it is named, nothing is shown.
        """
        missing = [variable for variable in self.secrets.values() if not os.environ.get(variable)]
        if missing:
            raise ConfigError(
                f"set the environment variable{'s' if len(missing) > 1 else ''} {', '.join(missing)}",
                connection=self.connection,
            )
        for variable in self.secrets.values():
            # No key has them: they come along from a file or a copy. In a header they would be an error that shows it.
            if os.environ[variable] != os.environ[variable].strip() or not os.environ[variable].isprintable():
                raise ConfigError(
                    f"the environment variable {variable} has blanks or a line break in it", connection=self.connection
                )
        return {name: os.environ[variable] for name, variable in self.secrets.items()}
