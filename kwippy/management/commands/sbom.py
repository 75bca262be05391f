"""manage.py sbom: prints the list of what this image consists of (CycloneDX)."""

import json
from typing import Any

from django.core.management.base import BaseCommand

from kwippy import sbom


class Command(BaseCommand):
    help = "Prints the software bill of materials of the image, or of this environment."
    requires_system_checks = ()
    requires_migrations_checks = False

    def handle(self, *args: Any, **options: Any) -> None:
        if sbom.FILE.exists():
            self.stdout.write(sbom.FILE.read_text())
        else:
            self.stdout.write(json.dumps(sbom.document(), indent=1))
