"""Why: every part of a file is read by the same rules: camelCase fields, nothing unknown."""

from pydantic import ConfigDict
from pydantic.alias_generators import to_camel

from chaosctl.model import Model


class Written(Model):
    """A part of a file."""

    model_config = ConfigDict(alias_generator=to_camel)
