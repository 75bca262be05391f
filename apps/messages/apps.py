from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class MessagesConfig(AppConfig):
    name = "apps.messages"
    label = "private_messages"  # Django's own app is called "messages"
    verbose_name = _("messages")

    def ready(self) -> None:
        from apps.messages import erasing, subscriptions  # noqa: F401 - they register and subscribe
