"""Reads of people."""

from django.http import Http404
from django.utils.translation import gettext as _

from apps.accounts.models import User


def person(username: str) -> User:
    """The person of that name, in any spelling of its case. Raises `Http404`."""
    try:
        return User.objects.get(username=username.lower(), is_active=True)
    except User.DoesNotExist:
        raise Http404(_("there is nobody of that name here.")) from None
