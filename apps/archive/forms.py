"""The upload of an import."""

from django import forms
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext_lazy as _

from apps.archive.models import Import
from apps.archive.reading import UPLOAD_BYTES


class ImportForm(forms.Form):
    """Does not read the file: the worker does."""

    kind = forms.ChoiceField(label=_("what it is"), choices=Import.Kind.choices)
    file = forms.FileField(
        label=_("the file"),
        widget=forms.FileInput(attrs={"accept": ".zip,.csv,application/zip,text/csv"}),
        error_messages={
            "required": _("choose a file first."),
            "missing": _("choose a file first."),
            "empty": _("there is nothing in that file."),
            "invalid": _("that did not arrive as a file. try again?"),
            "max_length": _("that file's name is too long for us."),
        },
    )

    def clean_file(self) -> UploadedFile:
        upload: UploadedFile = self.cleaned_data["file"]
        if (upload.size or 0) > UPLOAD_BYTES:
            raise ValidationError(
                _("that file is too big; one may have %(size)d MB. what is not imported can be left out."),
                params={"size": UPLOAD_BYTES >> 20},
            )
        return upload
