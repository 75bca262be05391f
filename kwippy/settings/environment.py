"""How settings are read: each from one environment variable, which a `#:` comment beside it documents.

`manage.py settingsdocs` makes `docs/settings.md` of those comments: `#: NAME: meaning`, or
`#: NAME [default]: meaning` where the default is computed.
"""

from pathlib import Path

from django.core.exceptions import ImproperlyConfigured
from environs import Env

env = Env()


def secret(name: str, default: str = "") -> str:
    """The contents of the file that ``name_FILE`` names; the value of ``name`` if it is empty or not set.

    Raises ImproperlyConfigured if that file can't be read.
    """
    path = env.str(f"{name}_FILE", "")
    if not path:
        return env.str(name, default)
    try:
        return Path(path).read_text().strip() or env.str(name, default)
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not a text file"
        raise ImproperlyConfigured(
            f"{name}_FILE is {path!r}, and that file can't be read: {reason}."
            f" Create the file, or unset {name}_FILE and set {name}."
        ) from error
