"""resources/NAME.yaml: one account on one platform."""

import os
import re
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from pullpush_dagster.errors import ConfigError

_VARIABLE = re.compile(r"^[A-Z][A-Z0-9_]*$")
_SECRET_LIKE = re.compile(r"secret|passw|pwd|passphrase|token|api_?key|key$|private|credential", re.IGNORECASE)
_USER_IN_URL = re.compile(r"//[^/?#]*@")
NAME = r"^[a-z][a-z0-9_]*$"


def _variable(text: str) -> str:
    if not _VARIABLE.match(text):
        # The text may be the secret itself, so it is not repeated.
        raise ValueError("must be the NAME of an environment variable, such as SHOP_KEY, never a value")
    return text


class Connection(BaseModel):
    """One account on one platform. ``secrets`` holds names of environment variables, never values."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    connection: str = Field(pattern=NAME)
    connector: str = Field(pattern=NAME)
    settings: dict[str, str] = {}
    secrets: dict[str, Annotated[str, AfterValidator(_variable)]] = {}

    @model_validator(mode="after")
    def _no_secret_in_settings(self) -> "Connection":
        for name, value in self.settings.items():
            if _USER_IN_URL.search(value):
                raise ValueError(f"settings.{name} has a user or password in it: name their variables under secrets")
            if _SECRET_LIKE.search(name):
                raise ValueError(f"settings.{name} looks like a secret: name its environment variable under secrets")
        return self

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
