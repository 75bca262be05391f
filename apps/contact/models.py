"""Messages to the operators."""

from django.conf import settings
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

NAME_LIMIT = 80
EMAIL_LIMIT = 254
SUBJECT_LIMIT = 150
TEXT_LIMIT = 10_000


class Message(models.Model):
    # An idempotency key: a form that is sent twice stores one message.
    form_key = models.UUIDField(unique=True, editable=False)
    member = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        editable=False,
        help_text=_("Who was signed in. Name and address above are whatever was typed."),
    )
    name = models.CharField(_("name"), max_length=NAME_LIMIT)
    email = models.EmailField(_("e-mail address"), max_length=EMAIL_LIMIT)
    subject = models.CharField(_("subject"), max_length=SUBJECT_LIMIT)
    text = models.TextField(_("message"), max_length=TEXT_LIMIT)
    sent_at = models.DateTimeField(_("sent"), db_default=Now(), editable=False)
    is_handled = models.BooleanField(_("handled"), default=False)

    class Meta:
        verbose_name = _("message")
        verbose_name_plural = _("messages")
        # Few rows: the filter of the admin.
        indexes = [
            models.Index(fields=["id"], name="contact_open", condition=models.Q(is_handled=False)),
        ]

    def __str__(self) -> str:
        return self.subject
