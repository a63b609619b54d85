"""Connections: what breaks one is told as what it is, and nothing is sent twice or rewritten on the way."""

import asyncio
import socket
import ssl
import threading
from contextlib import suppress

import aiohttp
import httpx
import pytest
from starlette.responses import JSONResponse

from pullpush_dagster.connectors.request import Request
from pullpush_dagster.errors import UnavailableError
from pullpush_dagster.transport.sockets import Sockets, why_unreached

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]"


class Raw:
    """A server that reads one request after the other and gives raw answers; None: it hangs up."""

    def __init__(self, *answers):
        self.answers, self.seen = list(answers), []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def stop(self):
        """Close it, though answers may be left that nobody asked for."""
        with suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self.listener.close()

    def _serve(self):
        while self.answers:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            with connection:
                while self.answers and (request := connection.recv(65536)):
                    self.seen.append(request)
                    answer = self.answers.pop(0)
                    if answer is None:
                        break
                    connection.sendall(answer)


@pytest.fixture
def raw():
    made = []

    def make(*answers):
        made.append(Raw(*answers))
        return made[-1]

    yield make
    for server in made:
        server.stop()


def ask(url, *requests):
    """What each request came to, over one transport: a status, or the error."""

    async def run():
        found = []
        async with httpx.AsyncClient(transport=Sockets(2), trust_env=False) as client:
            for method, path in requests:
                try:
                    found.append((await client.request(method, f"{url}{path}")).status_code)
                except httpx.TransportError as error:
                    found.append(type(error))
        return found

    return asyncio.run(run())


@pytest.mark.parametrize("method", ["PUT", "POST", "GET", "DELETE"])
def test_a_connection_that_breaks_is_not_tried_again_behind_our_back(raw, method):
    server = raw(ANSWER, None, ANSWER)
    assert ask(server.url, ("GET", "/first"), (method, "/second")) == [200, httpx.ReadError]
    assert len(server.seen) == 2


def test_a_platform_that_hangs_up_may_have_done_what_it_was_asked(raw):
    assert ask(raw(None).url, ("POST", "/")) == [httpx.ReadError]


def test_a_port_where_nobody_listens_was_never_reached(raw):
    server = raw()
    server.listener.close()
    (error,) = ask(server.url, ("POST", "/"))
    assert error in (httpx.ConnectError, httpx.ConnectTimeout)


@pytest.mark.parametrize("answer", [b"nonsense\r\n\r\n", b"HTTP/1.1 200 OK\r\nA: " + b"x" * 100_000 + b"\r\n\r\n"])
def test_an_answer_that_is_no_http_is_an_answer_that_did_not_come_whole(raw, answer):
    (error,) = ask(raw(answer).url, ("POST", "/"))
    assert issubclass(error, httpx.TransportError)
    assert not issubclass(error, (httpx.ConnectError, httpx.ConnectTimeout))


def test_a_body_that_stops_short_was_answered_and_not_unreached(raw):
    cut = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n["
    assert ask(raw(cut, None).url, ("POST", "/")) == [httpx.ReadError]


def test_a_url_goes_out_as_it_was_signed(raw):
    server = raw(ANSWER)
    ask(server.url, ("GET", "/a%3Db%2Cc?sku=x%2Cy%3D%2B"))
    assert server.seen[0].startswith(b"GET /a%3Db%2Cc?sku=x%2Cy%3D%2B ")


def test_many_requests_at_once_share_their_connections(tiny, platform):
    platform.answer(JSONResponse([]))

    async def run():
        async with tiny.client() as client:
            await asyncio.gather(*(client.send(Request(get="/items"), {}) for _ in range(50)))

    asyncio.run(run())
    assert len(platform.requests) == 50


def test_the_client_tells_a_lost_answer_from_an_unreached_platform(tiny, raw):
    tiny.url = raw(None).url
    with pytest.raises(UnavailableError) as lost:
        tiny.send(Request(post="/items"))
    assert lost.value.sent


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (socket.gaierror(socket.EAI_NONAME, "Name or service not known"), "unknown host"),
        (socket.gaierror(socket.EAI_AGAIN, "x"), "its name cannot be looked up now"),
        (ConnectionRefusedError(111, "Connect call failed"), "connection refused"),
        (TimeoutError(), "no answer"),
        (ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER] wrong version number"), "no TLS there"),
        (OSError(101, "Connect call failed"), "network is unreachable"),
        (OSError("Multiple exceptions: ..."), "no connection"),
    ],
)
def test_why_a_place_cannot_be_reached_is_said_in_words(error, why):
    failed = httpx.ConnectTimeout("Cannot connect")
    failed.__cause__ = aiohttp.ClientError()
    failed.__cause__.__cause__ = error
    assert why_unreached(failed) == why


def test_a_host_is_named_without_a_port_that_nobody_wrote(tiny):
    tiny.url = "http://shop.invalid"
    with pytest.raises(UnavailableError, match=r"^shop\.invalid cannot be reached: \w"):
        tiny.send(Request(get="/items"))
