"""What allauth.mfa asks the site: keys, names and messages."""

from urllib.parse import urlsplit

from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from apps.factors import sealing


class FactorsAdapter(DefaultMFAAdapter):
    error_messages = {
        **DefaultMFAAdapter.error_messages,
        "cannot_generate_recovery_codes": _("recovery codes need a second factor; add one first."),
        "incorrect_code": _("that did not work: it is wrong, too old, or was used already."),
        "incorrect_typed_code": _(
            "that did not work: it is wrong, too old, or was used already. is the time on your phone right?"
        ),
    }

    def encrypt(self, text: str) -> str:
        return sealing.seal(text)

    def decrypt(self, encrypted_text: str) -> str:
        return sealing.unseal(encrypted_text)

    def get_totp_label(self, user: AbstractBaseUser) -> str:
        return user.get_username()

    def get_totp_issuer(self) -> str:
        return str(settings.SITE_NAME)

    def generate_authenticator_name(
        self,
        user: AbstractBaseUser,
        type: Authenticator.Type,  # noqa: A002
    ) -> str:
        """The name that a new one has until its owner gives it another."""
        number = Authenticator.objects.filter(user_id=user.pk, type=type).count() + 1
        return gettext("passkey") if number == 1 else gettext("passkey %d") % number

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        """Passkeys belong to the host of `SITE_URL`, whatever host the request names."""
        return {"id": urlsplit(settings.SITE_URL).hostname or "", "name": str(settings.SITE_NAME)}

    def get_public_key_credential_user_entity(self, user: AbstractBaseUser) -> dict[str, object]:
        entity: dict[str, object] = super().get_public_key_credential_user_entity(user)
        return entity | {"name": user.get_username()}
