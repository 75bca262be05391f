"""What is deleted with a person: their archive and upload, with the files."""

from apps.accounts import erasing
from apps.archive import files
from apps.archive.models import Export, Import


def erase_archives(person_id: int, limit: int) -> int:
    """The files go first: a row without its file is found again, a file without its row only by the sweep."""
    for export in Export.objects.filter(person=person_id)[:limit]:
        files.remove(*files.of_export(export.pk))
    for upload in Import.objects.filter(person=person_id)[:limit]:
        files.remove(files.upload_of(upload.pk))
    exports = Export.objects.filter(person=person_id).delete()[0]
    return exports + Import.objects.filter(person=person_id).delete()[0]


erasing.register("archives", erase_archives, erasing.ABOUT)
