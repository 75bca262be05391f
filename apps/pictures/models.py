"""One row for each uploaded picture. Its files are below its name in Django's default storage."""

from enum import StrEnum

from django.conf import settings
from django.core.validators import MaxValueValidator
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

ALT_LIMIT = 1_500


class Shape(StrEnum):
    """What is kept of the upload: the keys of `decoder.SHAPES`."""

    WHOLE = "whole"
    SQUARE = "square"
    WIDE = "wide"


class Picture(models.Model):
    """``waits_until``: None while it is in use; else it is deleted after that time."""

    name = models.CharField(max_length=32, unique=True)  # random
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    shape = models.CharField(max_length=8, db_default=Shape.WHOLE.value)
    alt = models.TextField(_("in words"), max_length=ALT_LIMIT, blank=True, db_default="")
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    # What stays visible where the picture is cut, in percent from the left and from above.
    focal_x = models.PositiveSmallIntegerField(db_default=50, validators=[MaxValueValidator(100)])
    focal_y = models.PositiveSmallIntegerField(db_default=50, validators=[MaxValueValidator(100)])
    color = models.CharField(max_length=7)  # the average, as "#rrggbb"
    is_animated = models.BooleanField(db_default=False)
    bytes = models.PositiveIntegerField(db_default=0)  # of all its files; 0 until all are stored
    created_at = models.DateTimeField(db_default=Now())
    waits_until = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("picture")
        verbose_name_plural = _("pictures")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(focal_x__lte=100) & models.Q(focal_y__lte=100), name="picture_focal_point"
            ),
            models.CheckConstraint(
                condition=models.Q(color__regex="^#[0-9a-f]{6}$"), name="picture_color_shape"
            ),
        ]
        indexes = [
            # An owner's waiting pictures are counted; all are read for their archive.
            models.Index(fields=["owner", "id"], name="picture_owner_id"),
            # Few rows: the sweep reads those whose wait is over.
            models.Index(
                fields=["waits_until"],
                name="picture_waiting",
                condition=models.Q(waits_until__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.name
