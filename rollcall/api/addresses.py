"""Whose address a request comes from, for limits and for trust."""

import ipaddress
from collections.abc import Sequence
from typing import Final

from starlette.types import Scope

from rollcall.core.settings import IPNetwork

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

# A provider gives each customer a network of this size, in which every device may take any address.
_CUSTOMER_PREFIX: Final = 64
# IPv4 addresses within IPv6, ::ffff:0:0/96: what a socket that listens on :: says of IPv4 callers.
_MAPPED_PREFIX: Final = 96
UNKNOWN: Final = "unknown"


def address_of(scope: Scope) -> IPAddress | None:
    """The caller's address, IPv4 as such; None where a trusted proxy forwarded none that can be read.

    uvicorn has put it there: the peer's, or from X-Forwarded-For the last one that is no TRUSTED_PROXIES.
    """
    client = scope.get("client")
    try:
        address = ipaddress.ip_address(client[0] if client else "")
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


def counted_as(address: IPAddress | None) -> str:
    """Under which name an address is counted: IPv6 by its /64."""
    if address is None:
        return UNKNOWN
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    return str(ipaddress.ip_network((int(address), _CUSTOMER_PREFIX), strict=False))


def lies_in(address: IPAddress | None, networks: Sequence[IPNetwork]) -> bool:
    return address is not None and any(address in network for network in networks)


def trusted_hosts(networks: Sequence[IPNetwork]) -> list[str]:
    """TRUSTED_PROXIES in uvicorn's words, which would trust 127.0.0.1 if it were told nothing."""
    trusted = [str(network) for network in networks]
    trusted += [
        f"::ffff:{network.network_address}/{_MAPPED_PREFIX + network.prefixlen}"
        for network in networks
        if isinstance(network, ipaddress.IPv4Network)
    ]
    return trusted or ["none"]
