"""Where the site differs from allauth."""

from urllib.parse import urlsplit

from allauth.account.adapter import DefaultAccountAdapter
from django.conf import settings
from django.http import HttpRequest


class AccountAdapter(DefaultAccountAdapter):
    def clean_username(self, username: str, shallow: bool = False) -> str:
        """People may type their name as they like; it is kept in lower case."""
        return super().clean_username(username.strip().lower(), shallow=shallow)

    # Links that go out by mail lead to the site's own address, whatever port the request's Host named.

    def get_email_confirmation_url(self, request: HttpRequest, emailconfirmation: object) -> str:
        return _on_site(super().get_email_confirmation_url(request, emailconfirmation))

    def get_reset_password_from_key_url(self, key: str) -> str:
        return _on_site(super().get_reset_password_from_key_url(key))


def _on_site(url: str) -> str:
    return settings.SITE_URL + urlsplit(url).path
