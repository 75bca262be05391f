"""When all pinned requirements were last renewed: `make lock RENEW=1` notes the day.

A lock's own age tells less: it changes whenever one requirement is added, and the others stay as they are.
"""

import datetime
from pathlib import Path

from deploy.audit.report import Outcome, Result

RECORD = Path(__file__).resolve().parents[2] / "requirements.renewed"
# What SECURITY.md promises.
DAYS = 90


def check(record: Path, *, today: datetime.date) -> Result:
    """Needs no network. A day that can't be read, or that is still to come, is not checked."""
    try:
        renewed = datetime.date.fromisoformat(record.read_text().strip())
    except (OSError, ValueError) as error:
        return Result(Outcome.NOT_CHECKED, f"not checked: {record.name}: {error}")
    age = (today - renewed).days
    if age < 0:
        return Result(Outcome.NOT_CHECKED, f"not checked: {record.name} names a day to come, {renewed}")
    if age > DAYS:
        text = f"the requirements were last renewed on {renewed}, {age} days ago; {DAYS} are promised"
        return Result(Outcome.FOUND, f"{text}: make lock RENEW=1")
    return Result(Outcome.FINE, f"renewed on {renewed}, {age} days ago")
