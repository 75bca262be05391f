"""Where a request comes from."""

import pytest
from django.test import RequestFactory

from apps.limits import client_address, client_network


def seen(remote: str, *forwarded: str) -> str:
    headers = {"X-Forwarded-For": ", ".join(forwarded)} if forwarded else {}
    return client_address(RequestFactory(REMOTE_ADDR=remote, headers=headers).get("/"))


@pytest.mark.parametrize(
    "forged", ["198.51.100.1", "127.0.0.1", "::1", "unix", "", "rubbish", "1.1.1.1, 2.2.2.2"]
)
def test_without_a_proxy_the_header_means_nothing(settings, forged: str) -> None:
    settings.TRUSTED_PROXIES = []
    assert seen("203.0.113.9", forged) == "203.0.113.9"


@pytest.mark.asvs("4.1.3", "15.3.4")
@pytest.mark.parametrize(
    "forged", ["198.51.100.1", "10.0.0.1", "127.0.0.1", "rubbish", "1.1.1.1, 10.0.0.2", "a:b"]
)
def test_behind_a_proxy_what_the_client_wrote_is_never_reached(settings, forged: str) -> None:
    settings.TRUSTED_PROXIES = ["10.0.0.0/8"]
    assert seen("10.0.0.1", forged, "203.0.113.9") == "203.0.113.9"
    assert seen("10.0.0.1", forged, "203.0.113.9", "10.1.2.3") == "203.0.113.9", "two proxies of ours"
    assert seen("203.0.113.9", forged) == "203.0.113.9", "someone who goes around the proxy"


def test_a_proxy_on_a_socket_is_believed_where_sockets_are_named(settings) -> None:
    settings.TRUSTED_PROXIES = ["unix"]
    assert seen("", "6.6.6.6", "203.0.113.9") == "203.0.113.9"
    assert seen("203.0.113.9", "6.6.6.6") == "203.0.113.9"
    settings.TRUSTED_PROXIES = []
    assert seen("", "6.6.6.6") == "unknown"


def test_a_proxy_that_says_nothing_stands_for_itself(settings) -> None:
    settings.TRUSTED_PROXIES = ["10.0.0.1"]
    assert seen("10.0.0.1") == "10.0.0.1"
    assert seen("10.0.0.1", "6.6.6.6", "rubbish") == "10.0.0.1"
    assert seen("10.0.0.1", "10.0.0.1") == "10.0.0.1"


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("203.0.113.9:4711", "203.0.113.9"),
        ("[2001:db8::1]:4711", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("2001:DB8:0::1", "2001:db8::1"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        (" 203.0.113.9 ", "203.0.113.9"),
    ],
)
def test_an_address_may_be_written_in_many_ways(settings, written: str, meant: str) -> None:
    settings.TRUSTED_PROXIES = ["10.0.0.1"]
    assert seen("10.0.0.1", written) == meant


@pytest.mark.parametrize(
    ("remote", "network"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::", "2001:db8:1:3::/64"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", "unknown"),
    ],
)
def test_ipv6_counts_by_the_64(remote: str, network: str) -> None:
    assert client_network(RequestFactory(REMOTE_ADDR=remote).get("/")) == network
