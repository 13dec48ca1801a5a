"""One web page by URL, fetched so that the address can be trusted to lie outside the own network.

The address is looked up, checked and connected to in one step at the socket, for every redirect anew, so
a name that resolves differently a moment later gains nothing. Proxies from the environment are not used:
behind one, the address could not be checked.
"""

from __future__ import annotations

import ipaddress
import queue
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import certifi
import httpcore
import httpx
import tenacity

from knowledge.errors import UnreadableError
from knowledge.types import ProblemKind, SourceLimits

Resolve: TypeAlias = Callable[[str, int], Sequence[str]]  # host and port to IP addresses, best first
Permits: TypeAlias = Callable[[str], bool]  # an IP address

_USER_AGENT = "Burnish/0.1 (knowledge ingest)"
_ACCEPT = "text/html,application/xhtml+xml,text/markdown,text/plain,application/pdf;q=0.9,*/*;q=0.5"
_REDIRECTS = frozenset((301, 302, 303, 307, 308))
_TRANSIENT = frozenset((429, 500, 502, 503, 504))
_ENCODINGS = frozenset(("", "identity", "gzip", "deflate"))  # one of them: stacked, they are a bomb
_ATTEMPTS = 3
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What came back from a URL."""

    url: str  # where the redirects ended
    media_type: str  # as the server named it, in lower case, or ""
    charset: str  # as the server named it, or ""
    content: bytes


class _TransientError(UnreadableError):
    """A failure that another attempt may not meet."""


def fetch(
    url: str,
    limits: SourceLimits,
    *,
    resolve: Resolve | None = None,
    permits: Permits | None = None,
    ssl_context: ssl.SSLContext | None = None,
) -> Page:
    """Fetch one page.

    Args:
        url: An http or https address.
        limits: Size, time, redirects, and whether private addresses may be visited.
        resolve: Looks names up; the system's resolver by default.
        permits: Says which IP addresses may be visited; by default the limits and is_public() do.
        ssl_context: Trusts the system's and Mozilla's authorities by default.

    Returns:
        The page; its content is at most limits.max_bytes long.

    Raises:
        UnreadableError: It was refused, did not come in time, or is too large.
    """
    deadline = time.monotonic() + limits.page_seconds
    permits = permits or ((lambda _: True) if limits.allow_private else is_public)
    backend = _CheckedBackend(resolve or _system_resolve, permits, deadline=deadline)
    retrying = tenacity.Retrying(
        retry=tenacity.retry_if_exception_type(_TransientError),
        stop=tenacity.stop_after_attempt(_ATTEMPTS) | tenacity.stop_before_delay(limits.page_seconds),
        wait=tenacity.wait_random_exponential(multiplier=0.2, max=2.0),
        reraise=True,
    )
    with httpx.Client(
        transport=_Transport(backend, ssl_context or _default_ssl_context()),
        headers={"User-Agent": _USER_AGENT, "Accept": _ACCEPT, "Accept-Encoding": "gzip, deflate"},
        timeout=limits.page_seconds,
        trust_env=False,
    ) as client:
        return retrying(_follow, client, url, limits)


def _follow(client: httpx.Client, url: str, limits: SourceLimits) -> Page:
    """Go from redirect to redirect until a page comes."""
    target = _checked_url(url)
    for _ in range(limits.max_redirects + 1):
        try:
            with client.stream("GET", target) as response:
                if response.status_code not in _REDIRECTS:
                    return _page(response, limits)
                target = _checked_url(str(target.join(response.headers.get("location", ""))))
        except (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError) as error:
            raise _translated(error, target.host, limits) from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise UnreadableError(ProblemKind.BROKEN, f"{target.host} sent what cannot be read: {error}.") from error
    raise UnreadableError(ProblemKind.UNREACHABLE, f"It redirects more than {limits.max_redirects} times.")


def _checked_url(url: str) -> httpx.URL:
    try:
        parsed = httpx.URL(url)
    except (httpx.InvalidURL, ValueError) as error:
        raise UnreadableError(ProblemKind.REFUSED, "It is not a valid web address.") from error
    if parsed.scheme not in {"http", "https"}:
        raise UnreadableError(ProblemKind.REFUSED, f"Only http and https are visited, not {parsed.scheme or 'this'}.")
    if not parsed.host:
        raise UnreadableError(ProblemKind.REFUSED, "The web address names no host.")
    if parsed.userinfo:
        raise UnreadableError(ProblemKind.REFUSED, "A web address with a user name or password in it is not visited.")
    return parsed.copy_with(fragment=None)


def _page(response: httpx.Response, limits: SourceLimits) -> Page:
    _check_status(response)
    encoding = response.headers.get("content-encoding", "").strip().lower()
    if encoding not in _ENCODINGS:
        raise UnreadableError(ProblemKind.REFUSED, f"The server packed the page as {encoding[:40]}, unasked.")
    content = bytearray()
    for piece in response.iter_bytes():
        content += piece
        if len(content) > limits.max_bytes:
            raise UnreadableError(ProblemKind.TOO_LARGE, f"The page is larger than {limits.max_megabytes:g} MB.")
    media_type = response.headers.get("content-type", "").split(";")[0].strip().lower()
    return Page(
        url=str(response.url),
        media_type=media_type,
        charset=response.charset_encoding or "",
        content=bytes(content),
    )


def _check_status(response: httpx.Response) -> None:
    status = response.status_code
    if status in _TRANSIENT:
        raise _TransientError(ProblemKind.UNREACHABLE, f"The server answered {status}; try again later.")
    if status in {404, 410}:
        raise UnreadableError(ProblemKind.MISSING, f"There is no such page (the server answered {status}).")
    if status in {401, 403}:
        raise UnreadableError(ProblemKind.UNREACHABLE, f"The page wants a login (the server answered {status}).")
    if status != httpx.codes.OK:
        raise UnreadableError(ProblemKind.UNREACHABLE, f"The server answered {status} instead of a page.")


def _translated(error: Exception, host: str, limits: SourceLimits) -> UnreadableError:
    if isinstance(error, httpcore.TimeoutException):
        reason = f"{host} did not deliver the page within {limits.page_seconds:g} seconds."
        return UnreadableError(ProblemKind.UNREACHABLE, reason)
    return _TransientError(ProblemKind.UNREACHABLE, f"The connection to {host} failed: {str(error) or 'it was cut'}.")


def _default_ssl_context() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    return context


def is_public(address: str) -> bool:
    """Whether an IP address lies in the public internet, also when it wraps an IPv4 address."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
        if ip in _NAT64:
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFF_FFFF)
        if inner is not None:
            return is_public(str(inner))
    return ip.is_global and not ip.is_multicast


def _system_resolve(host: str, port: int) -> Sequence[str]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class _CheckedBackend(httpcore.NetworkBackend):
    """Looks up, checks and connects in one step; nothing outlives the deadline."""

    def __init__(self, resolve: Resolve, permits: Permits, *, deadline: float) -> None:
        self._sockets = httpcore.SyncBackend()
        self._resolve = resolve
        self._deadline = deadline
        self._permits = permits

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ARG002 - the deadline is stricter
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to an address of the host that may be visited."""
        failure: Exception = httpcore.ConnectError(f"{host} has no address")
        for address in self._allowed(host, port):
            try:
                stream = self._sockets.connect_tcp(address, port, self._left(), local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
            else:
                return _TimedStream(stream, self._deadline)
        raise failure

    def _allowed(self, host: str, port: int) -> list[str]:
        addresses = self._look_up(host, port)
        allowed = [address for address in addresses if self._permits(address)]
        if addresses and not allowed:
            raise UnreadableError(
                ProblemKind.REFUSED,
                f"{host} lies inside a private or reserved network; allow private addresses to read from it.",
            )
        return allowed

    def _look_up(self, host: str, port: int) -> Sequence[str]:
        """Resolve in a thread of its own: the system's look-up knows no time limit."""
        answer: queue.SimpleQueue[Sequence[str] | Exception] = queue.SimpleQueue()

        def work() -> None:
            try:
                answer.put(self._resolve(host, port))
            except (OSError, UnicodeError) as error:
                answer.put(error)

        threading.Thread(target=work, name="burnish-resolve", daemon=True).start()
        try:
            found = answer.get(timeout=self._left())
        except queue.Empty:
            raise httpcore.ConnectTimeout(f"{host} was not looked up in time") from None
        if isinstance(found, Exception):
            raise httpcore.ConnectError(f"{host} is not known") from found
        return found

    def _left(self) -> float:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise httpcore.ConnectTimeout("out of time")
        return left


class _TimedStream(httpcore.NetworkStream):
    """A connection that ends at the deadline, however slowly the bytes drip."""

    def __init__(self, stream: httpcore.NetworkStream, deadline: float) -> None:
        self._stream = stream
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002 - the deadline is stricter
        """Read what comes before the deadline."""
        return self._stream.read(max_bytes, self._left())

    def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002 - as above
        """Write before the deadline."""
        self._stream.write(buffer, self._left())

    def close(self) -> None:
        """Close the connection."""
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ARG002 - as above
    ) -> httpcore.NetworkStream:
        """Begin TLS; the certificate is checked against the host's name, not against the address."""
        return _TimedStream(self._stream.start_tls(ssl_context, server_hostname, self._left()), self._deadline)

    def get_extra_info(self, info: str) -> object:
        """Ask the socket."""
        return self._stream.get_extra_info(info)

    def _left(self) -> float:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise httpcore.ReadTimeout("out of time")
        return left


class _Stream(httpx.SyncByteStream):
    """A response body of httpcore, as httpx wants it."""

    def __init__(self, response: httpcore.Response) -> None:
        self._response = response

    def __iter__(self) -> Iterator[bytes]:
        yield from self._response.iter_stream()

    def close(self) -> None:
        """Hand the connection back."""
        self._response.close()


class _Transport(httpx.BaseTransport):
    """httpx over httpcore with a network backend of our own; httpx's own transport takes none."""

    def __init__(self, backend: httpcore.NetworkBackend, ssl_context: ssl.SSLContext) -> None:
        self._pool = httpcore.ConnectionPool(ssl_context=ssl_context, network_backend=backend, max_connections=1)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request; its URL keeps the host's name, which Host and TLS are made from."""
        response = self._pool.handle_request(
            httpcore.Request(
                method=request.method,
                url=httpcore.URL(
                    scheme=request.url.raw_scheme,
                    host=request.url.raw_host,
                    port=request.url.port,
                    target=request.url.raw_path,
                ),
                headers=request.headers.raw,
                extensions=request.extensions,
            )
        )
        return httpx.Response(status_code=response.status, headers=response.headers, stream=_Stream(response))

    def close(self) -> None:
        """Close the connections."""
        self._pool.close()
