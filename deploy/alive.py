"""The health check of a container: `alive.py PORT [PATH]` requests /livez, or PATH, on that port.

It imports only the standard library, because it runs every few seconds.
"""

import http.client
import os
import sys
from urllib.parse import urlsplit


def main(port: int, path: str = "/livez") -> int:
    """Returns 0 if the status is 200, else 1."""
    host = os.environ.get("DOMAIN") or urlsplit(os.environ.get("SITE_URL", "")).netloc
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=4)
    try:
        connection.request("GET", path, headers={"Host": host, "X-Forwarded-Proto": "https"})
        return 0 if connection.getresponse().status == 200 else 1
    except OSError:
        return 1


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), *sys.argv[2:]))
