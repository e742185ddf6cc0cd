"""Which addresses a caller may make us talk to: public ones, over https, and what the operator allows besides.

Whoever can name a URL must not reach what only this machine can reach: its own ports, the network behind it, the
metadata service of a cloud. A name is resolved once, every address that it has is judged, and the connection is made
to those very addresses: a name that resolves otherwise a moment later (DNS rebinding) gains nothing.
"""

import asyncio
import errno
import ipaddress
import socket
from collections.abc import Awaitable, Callable, Sequence
from urllib.parse import urlsplit

import aiohttp.abc
import msgspec

URL_CHARS = 2048
PORTS = (443, 8443)
RESOLVE_S = 5.0
# What ipaddress does not call private, or only of late: carrier-grade NAT, 6to4, Teredo, the two NAT64 prefixes
# (which lead to IPv4 addresses of any kind), benchmarking, documentation.
_CLOSED = tuple(
    ipaddress.ip_network(text)
    for text in (
        "0.0.0.0/8",
        "100.64.0.0/10",
        "192.0.0.0/24",
        "192.88.99.0/24",
        "198.18.0.0/15",
        "240.0.0.0/4",
        "64:ff9b::/96",
        "64:ff9b:1::/48",
        "100::/64",
        "2001::/23",
        "2001:db8::/32",
        "2002::/16",
        "3fff::/20",
        "5f00::/16",
    )
)

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Resolve = Callable[[str], Awaitable[Sequence[str]]]  # a name's addresses; raises OSError


class Target(msgspec.Struct, frozen=True):
    """Where a URL leads; `port` is that of its scheme where it names none."""

    scheme: str
    host: str
    port: int


class Forbidden(ValueError):
    """The words say why an address may not be called, and what may."""


def networks(texts: Sequence[str]) -> tuple[Network, ...]:
    """Networks in CIDR form, as the settings have them. Raises ValueError."""
    return tuple(ipaddress.ip_network(text, strict=False) for text in texts)


def target_of(url: str) -> Target:
    """Raises Forbidden for what is no plain http or https URL."""
    if len(url) > URL_CHARS:
        raise Forbidden(f"the URL has {len(url):,} characters, at most {URL_CHARS:,} are taken")
    # urlsplit drops line breaks and tabs inside, and other readers take a backslash for a slash
    if not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
        raise Forbidden("the URL has characters that belong in none; write other ones as %.. or xn--...")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise Forbidden("this is no URL; write for example https://example.com/hook") from None
    if parts.scheme not in ("https", "http"):
        raise Forbidden(f"expected an https URL, found the scheme {parts.scheme[:20]!r}")
    if not host:
        raise Forbidden("the URL names no host")
    if "@" in parts.netloc:
        raise Forbidden("a URL with a user name in it is not taken")
    if "%" in host:
        raise Forbidden("a host with a zone or an escape in it is not taken")
    return Target(parts.scheme, host, port if port is not None else 443 if parts.scheme == "https" else 80)


def allowed(address: str, open_networks: Sequence[Network] = ()) -> bool:
    """Whether an address is a public one, or in a network that the operator opened."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    return _opened(found, open_networks) or _public(found)


def _opened(found: Address, open_networks: Sequence[Network]) -> bool:
    inner = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return any((inner or found) in network for network in open_networks)


def _public(found: Address) -> bool:
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped is not None:
            return _public(found.ipv4_mapped)
        if found.scope_id is not None or found.is_site_local or found in ipaddress.ip_network("::/96"):
            return False
    if any(found in network for network in _CLOSED):
        return False
    return found.is_global and not (found.is_multicast or found.is_reserved or found.is_unspecified)


async def check(url: str, open_networks: Sequence[Network] = (), resolve: Resolve | None = None) -> Target:
    """Where a URL leads, when it may be called. Raises Forbidden, and OSError when its host has no address now."""
    target = target_of(url)
    addresses = await _addresses(target.host, resolve or resolved)
    _judge(target, addresses, open_networks)
    return target


async def _addresses(host: str, resolve: Resolve) -> Sequence[str]:
    try:
        return [str(ipaddress.ip_address(host))]
    except ValueError:
        return await resolve(host)


def _judge(target: Target, addresses: Sequence[str], open_networks: Sequence[Network]) -> None:
    for address in addresses:
        if not allowed(address, open_networks):
            raise Forbidden(
                f"{target.host} leads to an address that is not public. The operator of this server can open a "
                "network for it: webhook_networks"
            )
    inside = all(_opened(ipaddress.ip_address(address), open_networks) for address in addresses)
    if inside and addresses:
        return
    if target.scheme != "https":
        raise Forbidden("expected an https URL; plain http is for networks that webhook_networks opens")
    if target.port not in PORTS:
        ports = " or ".join(str(port) for port in PORTS)
        raise Forbidden(f"expected the port {ports}, found {target.port}")


async def resolved(host: str) -> Sequence[str]:
    """Every address of a name, each once. Raises OSError."""
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(RESOLVE_S):
            found = await loop.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except TimeoutError:
        raise OSError(errno.ETIMEDOUT, "the name was not resolved in time") from None
    except UnicodeError:
        raise OSError(errno.EINVAL, "the name cannot be resolved") from None
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class CheckedResolver(aiohttp.abc.AbstractResolver):
    """What an HTTP client connects to: the addresses of a name, all of them judged, or OSError with the words. The
    client asks nobody about a host that is an address already: `check` must have seen the URL before."""

    def __init__(self, open_networks: Sequence[Network] = (), resolve: Resolve | None = None) -> None:
        self._open_networks = open_networks
        self._resolve = resolve or resolved

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[aiohttp.abc.ResolveResult]:
        addresses = await self._resolve(host)
        for address in addresses:
            if not allowed(address, self._open_networks):
                raise OSError(errno.EACCES, f"{host} leads to an address that is not public")
        return [
            aiohttp.abc.ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=0,
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
            for address in addresses
        ]

    async def close(self) -> None:
        pass
