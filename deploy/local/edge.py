"""A local nginx in front of a gunicorn, with the deployed configuration, for tests and benches.

`Edge` serves plain HTTP and includes the files of `deploy/edge`; `DeployedEdge` runs `deploy/nginx.conf`
itself, with TLS.
"""

import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

from deploy import prepare_release
from deploy.local import services
from deploy.local.services import ServiceError

START_SECONDS = 10.0
FILES = Path(__file__).resolve().parent.parent / "edge"
MAIN = FILES.parent / "nginx.conf"

_MAIN = """
pid {folder}/nginx.pid;
worker_processes 2;
error_log {folder}/error.log warn;
events {{ worker_connections 512; }}
http {{
    types {{ text/html html; text/css css; text/javascript js; image/webp webp; application/json json; }}
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
    map $host $hsts {{ default ""; }}
    include {folder}/edge/limits.conf;
    include {folder}/edge/cache.conf;
    include {folder}/edge/reads.conf;
    include {folder}/edge/own.conf;
    server {{
        listen 127.0.0.1:{port};
        include {folder}/edge/site.conf;
    }}
}}
"""


class Edge:
    """One nginx on ``port``, with its files in ``folder``, in front of the gunicorn on that other port.

    ``places``: how many cold pages it passes on at once, by default those of two processes; 0: any number.
    """

    def __init__(self, folder: Path, *, gunicorn: int, places: int = 8) -> None:
        self.folder = folder
        self.gunicorn = gunicorn
        self.places = places
        self.port = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._sockets: tempfile.TemporaryDirectory[str] | None = None

    @staticmethod
    def program() -> str | None:
        """The path of nginx, or None if it is not installed."""
        return shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/sbin")

    @property
    def pid(self) -> int:
        """The process id of the master; 0 while it does not run."""
        return self._process.pid if self._process is not None else 0

    @property
    def static(self) -> Path:
        return self.folder / "static"

    @property
    def media(self) -> Path:
        return self.folder / "media"

    def start(self) -> None:
        """Starts nginx and returns when it listens. Raises ServiceError if it does not."""
        program = self.program()
        if program is None:
            raise ServiceError("nginx is not installed")
        self.configure()
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
        if self._sockets is not None:
            self._sockets.cleanup()
            self._sockets = None

    def configure(self) -> None:
        services.private_directory(self.folder)
        for folder in (self.static, self.media):
            folder.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self._place_files()
        main = _MAIN.format(folder=self.folder, port=self.port, gunicorn=self.gunicorn)
        (self.folder / "nginx.conf").write_text(main)

    def _place_files(self) -> None:
        """Copies `deploy/edge`, with the paths of the container replaced by local ones."""
        # A socket's path has at most 107 bytes: ``folder`` may be too long.
        self._sockets = tempfile.TemporaryDirectory(prefix="edge-")
        services.private_directory(Path(self._sockets.name))
        services.private_directory(self.folder / "run")
        limit = f"limit_conn cold_pages {self.places};\n" if self.places else ""
        (self.folder / "run" / "places.conf").write_text(limit)
        shutil.copytree(FILES, self.folder / "edge", dirs_exist_ok=True)
        for path in (self.folder / "edge").glob("*.conf"):
            path.write_text(self._placed(path.read_text()))

    def _placed(self, text: str) -> str:
        assert self._sockets is not None  # noqa: S101 - made before
        places = {
            "unix:/run/nginx/": f"unix:{self._sockets.name}/",
            "/run/nginx/": f"{self.folder}/run/",
            "/srv/kwippy/": f"{self.folder}/",
            "/var/cache/nginx/kwippy": f"{self.folder}/cache",
            "/deploy/edge/": f"{self.folder}/edge/",
            "include edge/": f"include {self.folder}/edge/",
        }
        for there, here in places.items():
            text = text.replace(there, here)
        return text

    def _listens(self) -> bool:
        with socket.socket() as probe:
            probe.settimeout(1)
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


class DeployedEdge(Edge):
    """`deploy/nginx.conf` for https://``domain``; ``plain_port`` takes the place of port 80.

    `body_space` holds the request bodies that nginx is receiving.
    """

    def __init__(self, folder: Path, *, gunicorn: int, domain: str = "kwippy.example") -> None:
        super().__init__(folder, gunicorn=gunicorn)
        self.domain = domain
        self.plain_port = 0

    @property
    def access_log(self) -> Path:
        return self.folder / "access.log"

    @property
    def certificate(self) -> Path:
        return self.folder / "certificates" / "fullchain.pem"

    @property
    def body_space(self) -> Path:
        return self.folder / "tmp" / "body"

    @property
    def maintenance(self) -> Path:
        """While this file exists, the site is in maintenance."""
        return self.folder / "run" / "maintenance"

    def configure(self) -> None:
        services.private_directory(self.folder)
        for name in ("static", "media", "certificates", "tmp", "acme/.well-known/acme-challenge"):
            services.private_directory(self.folder / name)
        prepare_release.certify(self.certificate.parent, self.domain)
        for path in self.certificate.parent.iterdir():
            path.chmod(0o644)
        self.port, self.plain_port = free_port(), free_port()
        self._place_files()
        (self.folder / "run" / "server_name.conf").write_text(f"server_name {self.domain};\n")
        (self.folder / "run" / "http.conf").write_text(
            f"upstream kwippy {{ server 127.0.0.1:{self.gunicorn} max_fails=0; }}\n"
            'map $host $hsts { default "max-age=31536000"; }\n'
        )
        (self.folder / "nginx.conf").write_text(self._main())

    def _main(self) -> str:
        text = self._placed(MAIN.read_text())
        for there, here in {
            "listen 8443": f"listen 127.0.0.1:{self.port}",
            "listen 8080": f"listen 127.0.0.1:{self.plain_port}",
            "listen 127.0.0.1:8081": f"listen 127.0.0.1:{free_port()}",
            "_temp_path /tmp/": f"_temp_path {self.folder}/tmp/",  # noqa: S108 - the container's
            "/dev/stdout": str(self.access_log),
            "/dev/stderr": f"{self.folder}/error.log",
            # Set on the command line.
            "daemon off;": "",
        }.items():
            text = text.replace(there, here)
        # Debian's nginx may be older than this directive. Only IPv4 is needed here.
        text = re.sub(
            r"listen 127\.0\.0\.1:(\d+) ssl;\n\s*http2 on;", r"listen 127.0.0.1:\1 ssl http2;", text
        )
        return re.sub(r"\n\s*listen \[::\][^\n]*", "", text)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
