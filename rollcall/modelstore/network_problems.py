"""What goes wrong with a connection, in plain words that hold no secret."""

import ssl
from collections.abc import Iterator
from contextlib import suppress
from typing import Final
from urllib.request import getproxies, proxy_bypass

import httpx

# The later ones come, unwrapped, from addresses that parse but cannot exist, and from connections torn down.
NETWORK_ERRORS: Final = (
    httpx.HTTPError,
    httpx.InvalidURL,
    ssl.SSLError,
    ConnectionError,
    ValueError,
    OverflowError,
    ExceptionGroup,
)
_MAY_PASS: Final = (httpx.TimeoutException, httpx.NetworkError, httpx.RemoteProtocolError, httpx.ProxyError)


def host_of(address: httpx.URL) -> str:
    """Host and port: user, password, path and query may be secret."""
    return address.netloc.decode("ascii", "replace")


def may_pass(error: Exception) -> bool:
    """Whether it is worth while to try again soon: neither for a wrong address nor a wrong certificate."""
    return isinstance(error, (*_MAY_PASS, ConnectionError)) and not _is_about_tls(error)


def in_words(error: Exception, address: httpx.URL) -> str:
    """What happened on the way to the address, without a full stop."""
    # After a redirect the failing host is another one, which a firewall may have to let through.
    if isinstance(error, httpx.RequestError):
        with suppress(RuntimeError):  # httpx raises it where the error knows no request.
            address = error.request.url
    host = host_of(address)
    if _is_about_tls(error):
        return f"no trusted TLS connection to {host} can be made"
    match error:
        case httpx.ProxyError():
            return f"the proxy gives no connection to {host}"
        case httpx.ConnectError() | httpx.ConnectTimeout():
            return f"{host} cannot be reached{_by_way_of_a_proxy(address)}"
        case httpx.TimeoutException():
            return f"{host} stopped answering"
        case httpx.TooManyRedirects():
            return f"{host} redirects without end"
        case httpx.NetworkError() | httpx.ProtocolError() | ConnectionError():
            return f"{host} broke the connection off"
        case _:
            return f"{host} is, or redirects to, an address that cannot be used"


def _by_way_of_a_proxy(address: httpx.URL) -> str:
    proxies = getproxies()
    used = (address.scheme in proxies or "all" in proxies) and not proxy_bypass(address.host)
    return " by way of the proxy" if used else ""


def _is_about_tls(error: BaseException) -> bool:
    return any(isinstance(cause, ssl.SSLError) for cause in _causes(error))


def _causes(error: BaseException) -> Iterator[BaseException]:
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__ or cause.__context__
