"""Metrics of the machine: free disk, and what the operator's scripts have noted down. Read on each scrape."""

import shutil
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings
from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from kwippy.doctor import notes

_NOTED = {
    notes.BACKUP: "Time of the last backup by deploy/backup.",
    notes.RESTORED: "Time at which a backup was last restored, by deploy/restore or deploy/backup --check.",
    notes.CERTIFICATE: "End of the certificate, as the doctor last saw it.",
}


class HostCollector(Collector):
    """What can't be read is missing: a 0 would be taken for a value."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        folder = Path(settings.MEDIA_ROOT)
        nearest = next(path for path in (folder, *folder.parents) if path.exists())
        usage = shutil.disk_usage(nearest)
        yield GaugeMetricFamily("kwippy_disk_free_bytes", "Free space where pictures are.", value=usage.free)
        yield GaugeMetricFamily(
            "kwippy_disk_bytes", "Size of the disk where pictures are.", value=usage.total
        )
        for name, meaning in _NOTED.items():
            if note := notes.read(name):
                yield GaugeMetricFamily(f"kwippy_{name}_timestamp_seconds", meaning, value=note.at)


HOST = CollectorRegistry()
HOST.register(HostCollector())
