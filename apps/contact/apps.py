from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ContactConfig(AppConfig):
    name = "apps.contact"
    verbose_name = _("contact")

    def ready(self) -> None:
        from apps.contact import erasing  # noqa: F401 - registers what is deleted with an account
