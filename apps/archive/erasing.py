"""What archives delete of a person whose account is deleted. Files first: then a next run finds the rest."""

from apps.accounts import erasing
from apps.archive import files
from apps.archive.models import Export, Import


def erase_archives(person_id: int, _limit: int) -> int:
    """Work that a command does meanwhile ends without the row; the sweep deletes its last file."""
    exports, imports = Export.objects.filter(person=person_id), Import.objects.filter(person=person_id)
    for pk in exports.values_list("pk", flat=True):
        files.remove(*files.of_export(pk))
    for pk in imports.values_list("pk", flat=True):
        files.remove(files.upload_of(pk))
    return exports.delete()[0] + imports.delete()[0]


erasing.register("archives", erase_archives, erasing.ABOUT)
