"""SITE_URL: the one origin of the site, and the settings derived from it."""

import pytest

from kwippy.address import is_host, is_site, site_url


@pytest.mark.parametrize(
    ("given", "domain", "port", "url"),
    [
        ("https://kwippy.example", "", "", "https://kwippy.example"),
        ("https://kwippy.example/", "", "", "https://kwippy.example"),
        ("https://kwippy.example:443", "", "", "https://kwippy.example"),
        ("HTTPS://Kwippy.Example/", "", "", "https://kwippy.example"),
        ("http://localhost:80", "", "", "http://localhost"),
        ("http://localhost:443", "", "", "http://localhost:443"),
        ("https://localhost:80", "", "", "https://localhost:80"),
        ("", "kwippy.example", "443", "https://kwippy.example"),
        ("", "kwippy.example", "", "https://kwippy.example"),
        ("", "Kwippy.Example", "8443", "https://kwippy.example:8443"),
        ("https://kwippy.example", "kwippy.example", "8443", "https://kwippy.example"),
        ("", "", "443", ""),
    ],
)
def test_an_address_is_what_visitors_write(given: str, domain: str, port: str, url: str) -> None:
    assert site_url(given, domain=domain, port=port) == url


@pytest.mark.parametrize(
    "name", ["kwippy.example", "localhost", "a", "xn--bcher-kva.example", "192.0.2.1", "1.a-b.c"]
)
def test_a_host_name_is_one(name: str) -> None:
    assert is_host(name)


NO_HOSTS = [
    "",
    "localhost:8443",
    "a.example www.a.example",
    "a.example,b.example",
    "https://kwippy.example",
    "kwippy.example/",
    "my_site.example",
    "-a.example",
    "a-.example",
    "a..example",
    ".example",
    "kwippy.example.",
    "bücher.example",
    "[::1]",
    "*.example",
    "kwippy.example\n",
    "$host",
    "a" * 64,
    ".".join(["a" * 60] * 5),
]


@pytest.mark.parametrize("name", NO_HOSTS)
def test_anything_else_is_none(name: str) -> None:
    assert not is_host(name)


@pytest.mark.parametrize(
    ("url", "site"),
    [
        ("https://kwippy.example", True),
        ("https://kwippy.example:8443", True),
        ("http://[::1]:8000", True),
        ("https://kwippy.example:127.0.0.1:8443", False),
        ("https://kwippy.example:port", False),
        ("https://kwippy.example:70000", False),
        ("https://kwippy.example/site", False),
        ("https://kwippy.example?x", False),
        ("https://ann@kwippy.example", False),
        ("https://Kwippy.example", False),
        ("ftp://kwippy.example", False),
        ("https://[::1", False),
        ("kwippy.example", False),
        ("", False),
        *[(f"https://{name}", False) for name in NO_HOSTS if name not in ("localhost:8443", "[::1]")],
    ],
)
def test_an_address_of_a_site_has_scheme_host_and_perhaps_a_port(url: str, site: bool) -> None:
    assert is_site(url) is site
