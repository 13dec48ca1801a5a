"""Real HTTP over loopback: the server misbehaves, the fetcher must not."""

from __future__ import annotations

import datetime as dt
import gzip
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from knowledge.errors import UnreadableError
from knowledge.types import ProblemKind, SourceLimits
from knowledge.web import Page, fetch

HERE = SourceLimits(allow_private=True, page_seconds=5.0, max_megabytes=0.1)


@dataclass
class Server:
    """A web server on loopback that notes what it was asked."""

    port: int
    asked: list[tuple[str, str]] = field(default_factory=list)  # Host header and path

    def url(self, path: str = "/", *, host: str = "127.0.0.1", scheme: str = "http") -> str:
        return f"{scheme}://{host}:{self.port}{path}"


def respond(handler: BaseHTTPRequestHandler, body: bytes, status: int = 200, **headers: str) -> None:
    handler.send_response(status)
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


def flood(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.end_headers()
    for _ in range(100_000):  # 100 MB, if it is let
        handler.wfile.write(b"x" * 1_000)


def drip(handler: BaseHTTPRequestHandler) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
    for _ in range(100):
        handler.wfile.write(b"X-Slow: yes\r\n")
        handler.wfile.flush()
        time.sleep(0.1)


def redirect(target: str) -> Callable[[BaseHTTPRequestHandler], None]:
    return lambda handler: respond(handler, b"", 302, Location=target)


def failing_twice() -> Callable[[BaseHTTPRequestHandler], None]:
    left = iter([503, 503])
    return lambda handler: respond(handler, b"<p>Back again.</p>", next(left, 200), Content_Type="text/html")


def cut_once() -> Callable[[BaseHTTPRequestHandler], None]:
    calls = iter([True])

    def handle(handler: BaseHTTPRequestHandler) -> None:
        if next(calls, False):
            handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
            handler.close_connection = True
        else:
            respond(handler, b"whole")

    return handle


GROESSE = "Größe".encode("cp1252")
STACKED = gzip.compress(gzip.compress(b"x"))
ROUTES: dict[str, Callable[[], Callable[[BaseHTTPRequestHandler], None]]] = {
    "/": lambda: lambda handler: respond(handler, GROESSE, Content_Type="Text/HTML; charset=iso-8859-1"),
    "/flood": lambda: flood,
    "/drip": lambda: drip,
    "/bomb": lambda: lambda handler: respond(handler, gzip.compress(b"\0" * 50_000_000), Content_Encoding="gzip"),
    "/zipped": lambda: lambda handler: respond(handler, gzip.compress(b"small"), Content_Encoding="gzip"),
    "/stacked": lambda: lambda handler: respond(handler, STACKED, Content_Encoding="gzip, gzip"),
    "/not-zipped": lambda: lambda handler: respond(handler, b"not gzip", Content_Encoding="gzip"),
    "/moved": lambda: redirect("/?after=redirect"),
    "/loop": lambda: redirect("/loop"),
    "/to-file": lambda: redirect("file:///etc/passwd"),
    "/to-nowhere": lambda: redirect("http://example.com:port/"),
    "/to-metadata": lambda: redirect("http://metadata.example/latest"),
    "/flaky": failing_twice,
    "/cut": cut_once,
    "/down": lambda: lambda handler: respond(handler, b"", 503),
    "/gone": lambda: lambda handler: respond(handler, b"", 410),
    "/login": lambda: lambda handler: respond(handler, b"", 401),
    "/teapot": lambda: lambda handler: respond(handler, b"", 418),
}  # fmt: skip


def serve(context: ssl.SSLContext | None = None) -> Iterator[Server]:
    routes = {path: make() for path, make in ROUTES.items()}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            running.asked.append((self.headers.get("Host", ""), self.path))
            try:
                routes[self.path.partition("?")[0]](self)
            except (BrokenPipeError, ConnectionResetError):
                self.close_connection = True  # the fetcher had enough

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if context:
        httpd.socket = context.wrap_socket(httpd.socket, server_side=True)
    running = Server(port=httpd.server_address[1])
    thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield running
    finally:
        httpd.shutdown()
        httpd.server_close()
        thread.join()


@pytest.fixture
def server() -> Iterator[Server]:
    yield from serve()


def refusal(url: str, limits: SourceLimits = HERE, **options: object) -> tuple[ProblemKind, str]:
    with pytest.raises(UnreadableError) as caught:
        fetch(url, limits, **options)  # type: ignore[arg-type] # passed through as they are
    return caught.value.kind, caught.value.reason


def to_loopback(_: str, __: int) -> Sequence[str]:
    return ["127.0.0.1"]


def test_a_page_comes_with_what_the_server_says_of_it(server: Server) -> None:
    assert fetch(server.url("/"), HERE) == Page(
        url=server.url("/"), media_type="text/html", charset="iso-8859-1", content=GROESSE
    )


def test_redirects_are_followed_to_the_page(server: Server) -> None:
    assert fetch(server.url("/moved"), HERE).url == server.url("/?after=redirect")


def test_the_own_network_is_refused_without_a_connection_unless_allowed(server: Server) -> None:
    closed = SourceLimits(page_seconds=5.0)

    for host in ("127.0.0.1", "localhost", "2130706433", "127.1", "[::1]", "[::ffff:127.0.0.1]", "0"):
        kind, reason = refusal(server.url(host=host), closed)
        assert (host, kind) == (host, ProblemKind.REFUSED)
        assert "private or reserved network" in reason
    assert server.asked == []


def test_a_redirect_into_a_network_that_is_not_permitted_is_refused(server: Server) -> None:
    kind, reason = refusal(
        server.url("/to-metadata", host="docs.example"),
        resolve=lambda host, _: ["127.0.0.1" if host == "docs.example" else "169.254.169.254"],
        permits=lambda address: address == "127.0.0.1",
    )

    assert kind is ProblemKind.REFUSED
    assert reason.startswith("metadata.example lies inside a private")


def test_a_name_is_looked_up_once_and_that_very_address_is_connected_to(server: Server) -> None:
    looked_up: list[str] = []

    def rebinding(host: str, _: int) -> Sequence[str]:
        looked_up.append(host)
        return ["127.0.0.1"] if len(looked_up) == 1 else ["203.0.113.1"]

    page = fetch(server.url(host="docs.example"), HERE, resolve=rebinding)

    assert page.content
    assert looked_up == ["docs.example"]
    assert server.asked == [(f"docs.example:{server.port}", "/")]


def test_of_several_addresses_the_first_that_answers_is_taken(server: Server) -> None:
    page = fetch(server.url(host="docs.example"), HERE, resolve=lambda *_: ["127.0.0.2", "::1", "127.0.0.1"])

    assert page.content


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("ftp://example.com/x", "Only http and https"),
        ("file:///etc/passwd", "Only http and https"),
        ("http:///path", "names no host"),
        ("http://user:secret@example.com/", "user name or password"),
        ("http://exa mple.com:port/", "not a valid web address"),
    ],
)
def test_addresses_of_a_wrong_form_are_refused(url: str, words: str) -> None:
    kind, reason = refusal(url)

    assert kind is ProblemKind.REFUSED
    assert words in reason
    assert "secret" not in reason


@pytest.mark.parametrize(
    ("path", "kind", "words"),
    [
        ("/flood", ProblemKind.TOO_LARGE, "larger than 0.1 MB"),
        ("/bomb", ProblemKind.TOO_LARGE, "larger than 0.1 MB"),
        ("/stacked", ProblemKind.REFUSED, "packed the page as gzip, gzip"),
        ("/not-zipped", ProblemKind.BROKEN, "cannot be read"),
        ("/loop", ProblemKind.UNREACHABLE, "redirects more than 5 times"),
        ("/to-file", ProblemKind.REFUSED, "Only http and https"),
        ("/to-nowhere", ProblemKind.BROKEN, "cannot be read"),
        ("/down", ProblemKind.UNREACHABLE, "answered 503"),
        ("/gone", ProblemKind.MISSING, "no such page"),
        ("/login", ProblemKind.UNREACHABLE, "wants a login"),
        ("/teapot", ProblemKind.UNREACHABLE, "answered 418"),
    ],
)
def test_each_misbehaviour_has_its_own_reason(server: Server, path: str, kind: ProblemKind, words: str) -> None:
    got, reason = refusal(server.url(path))

    assert (got, words in reason) == (kind, True), reason


def test_a_packed_page_is_unpacked(server: Server) -> None:
    assert fetch(server.url("/zipped"), HERE).content == b"small"


@pytest.mark.parametrize("path", ["/flaky", "/cut"])
def test_a_passing_failure_is_tried_again(server: Server, path: str) -> None:
    assert fetch(server.url(path), HERE).content in {b"<p>Back again.</p>", b"whole"}
    assert len(server.asked) in {2, 3}


def test_what_will_not_pass_is_not_tried_again(server: Server) -> None:
    refusal(server.url("/gone"))

    assert len(server.asked) == 1


def test_a_page_that_drips_ends_at_the_time_limit(server: Server) -> None:
    began = time.monotonic()

    kind, reason = refusal(server.url("/drip"), SourceLimits(allow_private=True, page_seconds=0.5))

    assert time.monotonic() - began < 2
    assert kind is ProblemKind.UNREACHABLE
    assert reason == "127.0.0.1 did not deliver the page within 0.5 seconds."


def test_a_name_that_is_never_looked_up_ends_at_the_time_limit() -> None:
    release = threading.Event()

    def stuck(_: str, __: int) -> Sequence[str]:
        release.wait(10)
        return []

    kind, _ = refusal("http://slow.example/", SourceLimits(page_seconds=0.2), resolve=stuck)

    release.set()
    assert kind is ProblemKind.UNREACHABLE


def test_an_unknown_name_and_a_closed_port_are_reported() -> None:
    def unknown(_: str, __: int) -> Sequence[str]:
        raise OSError("no such name")

    assert "nowhere.example is not known" in refusal("http://nowhere.example/", resolve=unknown)[1]
    assert "The connection to 127.0.0.1 failed" in refusal("http://127.0.0.1:1/")[1]


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate for docs.example, signed by itself, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "docs.example")])
    now = dt.datetime.now(dt.UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("docs.example")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path / "certificate.pem"
    path.write_bytes(
        signed.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return path


@pytest.fixture
def secure_server(certificate: Path) -> Iterator[Server]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    yield from serve(context)


def test_tls_checks_the_certificate_against_the_name_though_the_address_is_pinned(
    secure_server: Server, certificate: Path
) -> None:
    trusting = ssl.create_default_context(cafile=str(certificate))
    page = fetch(
        secure_server.url(host="docs.example", scheme="https"), HERE, resolve=to_loopback, ssl_context=trusting
    )

    assert page.media_type == "text/html"
    assert secure_server.asked == [(f"docs.example:{secure_server.port}", "/")]
    for host, context in (("other.example", trusting), ("docs.example", None)):
        url = secure_server.url(host=host, scheme="https")
        kind, reason = refusal(url, resolve=to_loopback, ssl_context=context)
        assert kind is ProblemKind.UNREACHABLE
        assert "certificate" in reason.lower()
