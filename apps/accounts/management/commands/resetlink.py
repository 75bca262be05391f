"""Prints a link by which a person sets a new password, for a site whose mail is down."""

from typing import Any

import structlog
from allauth.account import app_settings
from allauth.account.utils import user_pk_to_url_str
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.urls import reverse

from apps.accounts.models import User
from apps.securitylog import Event, record

log = structlog.get_logger("kwippy.accounts")


class Command(BaseCommand):
    help = (
        "Prints a link by which a person sets a new password. The link opens the account: make sure "
        "that you give it to its owner. A new password, a sign-in or a change of address ends it."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", metavar="NAME", help="the user name, exactly")

    def handle(self, *args: Any, name: str, **options: Any) -> None:
        name = name.lower().removeprefix("@")
        if (person := User.objects.filter(username=name).first()) is None:
            raise CommandError(f"no such user: {name}")
        if not person.is_active:
            raise CommandError(f"{name} can't sign in: suspended, or about to be deleted")
        token = app_settings.PASSWORD_RESET_TOKEN_GENERATOR().make_token(person)
        keys = {"uidb36": user_pk_to_url_str(person), "key": token}
        self.stdout.write(settings.SITE_URL + reverse("account_reset_password_from_key", kwargs=keys))
        hours = settings.PASSWORD_RESET_TIMEOUT / 3600
        self.stderr.write(f"Works once, for {hours:.0f} hours. Give it to no one but {name}.")
        log.warning("password-reset link printed", person_id=person.pk)
        record(Event.PASSWORD_RESET_ASKED, user_id=person.pk, way="the command line")
