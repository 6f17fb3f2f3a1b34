import asyncio
from ipaddress import ip_network

import pytest
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from rollcall.api.addresses import address_of, counted_as, lies_in, trusted_hosts


def counted(host: str | None) -> str:
    return counted_as(address_of({"type": "http", "client": None if host is None else (host, 1)}))


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::9", "2001:db8:1:3::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("somebody", "unknown"),
        ("", "unknown"),
        (None, "unknown"),
    ],
)
def test_who_an_address_is_counted_as(host: str | None, expected: str) -> None:
    assert counted(host) == expected


def test_an_exempt_network_also_has_its_addresses_as_ipv6_sockets_say_them() -> None:
    networks = [ip_network("10.0.0.0/8"), ip_network("2001:db8::/32")]
    for host, expected in (
        ("10.1.2.3", True),
        ("::ffff:10.1.2.3", True),
        ("2001:db8::1", True),
        ("11.0.0.1", False),
    ):
        assert lies_in(address_of({"type": "http", "client": (host, 1)}), networks) is expected
    assert not lies_in(None, networks)


def through_proxies(peer: str, *forwarded: str) -> str:
    """As which a request is counted that comes from a peer with these X-Forwarded-For headers."""
    seen: list[str] = []

    async def app(scope: object, _receive: object, _send: object) -> None:
        assert isinstance(scope, dict)
        seen.append(counted_as(address_of(scope)))

    trusted = trusted_hosts([ip_network("10.0.0.0/8"), ip_network("2001:db8::/64")])
    scope = {
        "type": "http",
        "client": (peer, 1),
        "headers": [(b"x-forwarded-for", value.encode()) for value in forwarded],
    }
    asyncio.run(ProxyHeadersMiddleware(app, trusted)(scope, None, None))  # type: ignore[arg-type]
    return seen[0]


@pytest.mark.parametrize(
    ("peer", "forwarded", "expected"),
    [
        ("192.0.2.1", ["198.51.100.9"], "192.0.2.1"),
        ("10.0.0.1", ["198.51.100.9"], "198.51.100.9"),
        ("::ffff:10.0.0.1", ["198.51.100.9"], "198.51.100.9"),
        ("2001:db8::5", ["198.51.100.9"], "198.51.100.9"),
        ("10.0.0.1", ["198.51.100.9, 10.0.0.7"], "198.51.100.9"),
        ("10.0.0.1", ["198.51.100.9", "10.0.0.7"], "198.51.100.9"),
        ("10.0.0.1", ["203.0.113.66, 198.51.100.9"], "198.51.100.9"),
        ("10.0.0.1", ["10.0.0.66, 198.51.100.9"], "198.51.100.9"),
        ("10.0.0.1", ["198.51.100.9:4711"], "198.51.100.9"),
        ("10.0.0.1", ["2001:db8:9::1"], "2001:db8:9::/64"),
        ("10.0.0.1", ["[2001:db8:9::1]:4711"], "2001:db8:9::/64"),
        ("10.0.0.1", ["garbage"], "unknown"),
        ("10.0.0.1", [], "10.0.0.1"),
    ],
)
def test_a_forwarded_address_counts_only_as_far_as_proxies_are_trusted(
    peer: str, forwarded: list[str], expected: str
) -> None:
    assert through_proxies(peer, *forwarded) == expected


def test_nobody_is_trusted_who_is_not_named() -> None:
    assert trusted_hosts([]) == ["none"]
