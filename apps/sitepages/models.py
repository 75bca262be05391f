"""The texts that an operator wrote in place of those of the release."""

from typing import Any

from django.db import models, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from apps.invalidation import invalidate
from apps.plaintext import clean
from apps.sitepages.keys import site_page

TEXT_LIMIT = 20_000


class Slug(models.TextChoices):
    """The pages, by the first segment of their addresses."""

    RULES = "rules", _("the rules")
    CONDUCT = "conduct", _("the code of conduct")
    PRIVACY = "privacy", _("the privacy page")


class SitePage(models.Model):
    """A page. A page without a row has the text of the release."""

    slug = models.CharField(primary_key=True, max_length=10, choices=Slug.choices, editable=False)
    text = models.TextField(
        _("text"),
        max_length=TEXT_LIMIT,
        blank=True,
        help_text=_(
            "An empty line ends a paragraph. “# ” begins a heading, “- ” an item of a list; addresses become "
            "links. Empty: the text of this release."
        ),
    )
    changed_at = models.DateTimeField(_("changed"), null=True, editable=False)

    class Meta:
        verbose_name = _("page of the house")
        verbose_name_plural = _("pages of the house")

    def __str__(self) -> str:
        return str(Slug(self.slug).label)

    def clean(self) -> None:
        self.text = clean(self.text)

    @transaction.atomic
    def save(self, *args: Any, **options: Any) -> None:
        """Writes the text and the time of the change, and purges the page."""
        self.changed_at = timezone.now()
        super().save(*args, **options)
        invalidate(pages=[site_page(self.slug)])
