"""The pictures of a kwip."""

from django.db import models
from django.utils.translation import gettext_lazy as _

PICTURES = 4  # of a kwip, at most


class KwipPicture(models.Model):
    """A picture of a kwip, the one at ``place``. Comments have none."""

    # No constraint: during an upgrade the previous release deletes kwips and not these rows.
    kwip = models.ForeignKey(
        "kwips.Kwip", on_delete=models.CASCADE, related_name="pictures", db_index=False, db_constraint=False
    )
    picture = models.OneToOneField("pictures.Picture", on_delete=models.CASCADE, related_name="+")
    place = models.PositiveSmallIntegerField()

    class Meta:
        verbose_name = _("picture of a kwip")
        ordering = ["place"]
        indexes = [
            models.Index(fields=["kwip", "place"], name="kwip_pictures", include=["picture"]),
        ]

    def __str__(self) -> str:
        return f"picture {self.picture_id} of kwip {self.kwip_id}"
