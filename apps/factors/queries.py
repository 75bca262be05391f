"""What second factors a person has."""

from dataclasses import dataclass

from allauth.mfa import app_settings
from allauth.mfa.models import Authenticator

from apps.accounts.models import User

Kind = Authenticator.Type
# A phone, a computer, a key in a drawer, and room for what comes.
MOST_PASSKEYS = 10


@dataclass(frozen=True)
class Factors:
    """The rows of a person; their secrets stay sealed."""

    app: Authenticator | None
    passkeys: list[Authenticator]
    recovery: Authenticator | None

    @property
    def has_any(self) -> bool:
        return self.app is not None or bool(self.passkeys)

    @property
    def codes_left(self) -> int:
        """Recovery codes that were not used yet."""
        if self.recovery is None:
            return 0
        used: int = self.recovery.data["used_mask"]
        return app_settings.RECOVERY_CODE_COUNT - used.bit_count()

    @property
    def codes_shown(self) -> bool:
        return self.recovery is not None and bool(self.recovery.data.get("viewed_at"))


def factors_of(user_id: int) -> Factors:
    rows = list(Authenticator.objects.filter(user_id=user_id).order_by("pk"))
    return Factors(
        app=next((row for row in rows if row.type == Kind.TOTP), None),
        passkeys=[row for row in rows if row.type == Kind.WEBAUTHN],
        recovery=next((row for row in rows if row.type == Kind.RECOVERY_CODES), None),
    )


def locked_passkeys(user_id: int) -> list[Authenticator]:
    """The person's passkeys. No other one is added until the transaction ends."""
    User.objects.select_for_update(no_key=True).get(pk=user_id)
    return list(Authenticator.objects.filter(user_id=user_id, type=Kind.WEBAUTHN))
