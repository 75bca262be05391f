"""An nginx of our own in front of a gunicorn: the site's two files of `deploy/edge`, in another place."""

import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

from deploy.local import services
from deploy.local.services import ServiceError

START_SECONDS = 10.0
FILES = Path(__file__).resolve().parent.parent / "edge"

_MAIN = """
pid {folder}/nginx.pid;
worker_processes 2;
error_log {folder}/error.log warn;
events {{ worker_connections 512; }}
http {{
    types {{ text/html html; text/css css; text/javascript js; image/webp webp; }}
    default_type application/octet-stream;
    access_log off;
    sendfile on;
    tcp_nopush on;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/unused;
    uwsgi_temp_path {folder}/unused;
    scgi_temp_path {folder}/unused;
    keepalive_requests 1000000;
    proxy_connect_timeout 2s;
    proxy_read_timeout 35s;
    upstream kwippy {{ server 127.0.0.1:{gunicorn}; keepalive 16; }}
    include {folder}/cache.conf;
    server {{
        listen 127.0.0.1:{port};
        include {folder}/site.conf;
    }}
}}
"""


class Edge:
    """One nginx below ``folder``, in front of the gunicorn on that port; ``static`` and ``media`` are there.

    It answers on ``port``.
    """

    def __init__(self, folder: Path, *, gunicorn: int) -> None:
        self.folder = folder
        self.gunicorn = gunicorn
        self.port = 0
        self._process: subprocess.Popen[bytes] | None = None

    @staticmethod
    def program() -> str | None:
        """Where nginx is installed, if it is."""
        return shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/sbin")

    @property
    def static(self) -> Path:
        return self.folder / "static"

    @property
    def media(self) -> Path:
        return self.folder / "media"

    def start(self) -> None:
        """Start it and return when it listens; raises ServiceError if it doesn't."""
        program = self.program()
        if program is None:
            raise ServiceError("nginx is not installed")
        self._configure()
        command = [program, "-p", str(self.folder), "-c", str(self.folder / "nginx.conf"), "-e", "stderr"]
        log = self.folder / "output.log"
        self._process = services.start([*command, "-g", "daemon off;"], death_signal=signal.SIGTERM, log=log)
        deadline = time.monotonic() + START_SECONDS
        while not self._listens():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise ServiceError(f"nginx did not start: {log.read_text(errors='replace').strip()}")
            time.sleep(0.01)

    def stop(self) -> None:
        if self._process is not None:
            services.stop(self._process)
            self._process = None

    def _configure(self) -> None:
        services.private_directory(self.folder)
        for folder in (self.static, self.media):
            folder.mkdir(exist_ok=True)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        places = {
            "/srv/kwippy/static/": f"{self.static}/",
            "/srv/kwippy/media/": f"{self.media}/",
            "/var/cache/nginx/kwippy": f"{self.folder}/cache",
        }
        for name in ("cache.conf", "site.conf"):
            text = (FILES / name).read_text()
            for there, here in places.items():
                text = text.replace(there, here)
            (self.folder / name).write_text(text)
        main = _MAIN.format(folder=self.folder, port=self.port, gunicorn=self.gunicorn)
        (self.folder / "nginx.conf").write_text(main)

    def _listens(self) -> bool:
        with socket.socket() as probe:
            probe.settimeout(1)
            return probe.connect_ex(("127.0.0.1", self.port)) == 0
