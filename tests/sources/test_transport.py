"""HTTPS on loopback, with real TLS: what comes, what is refused, and that no server holds us up."""

from __future__ import annotations

import gzip
import math
import socket
import time
from email.utils import format_datetime

import pytest

import auditor
from auditor.errors import UsageError
from auditor.settings import Network, read_settings
from auditor.sources._connection import Client, Deadline, Question
from auditor.sources._pace import FAILURES
from auditor.sources._transport import (
    AskError,
    MalformedError,
    NoRecordError,
    RefusedError,
    Transport,
    UnavailableError,
    read_json,
)
from tests.servers.dns import DnsServer
from tests.servers.rdap import HEAD, HOST, Clock, HttpsServer, Sent

LOOPBACK = {"A": ["127.0.0.1"]}
INSIDE = {"A": ["10.0.0.1"]}
JSON = b'{"name": "CHINANET-SH"}'


class Net:
    """A name server, an HTTPS server, and a transport that uses both."""

    def __init__(self, names, server):
        self.names, self.server, self.clock = names, server, Clock()

    def transport(self, **settings):
        standard = {
            "resolver": (self.names.address,),
            "ca_file": self.server.ca_file,
            "allow_addresses": ("127.0.0.0/8",),
            "deadline_s": 5,
            "per_second": 1000,
        }
        return Transport(Network(**{**standard, **settings}), self.clock.now, self.clock.sleep)

    def get(self, path="/", **settings):
        return self.transport(**settings).get(self.server.url(path))


@pytest.fixture
def net():
    names = {
        HOST: LOOPBACK,
        "inside.test": INSIDE,
        "both.test": {"A": ["127.0.0.1", "10.0.0.1"]},
        "mute.test": "drop",
    }
    with DnsServer(names) as dns, HttpsServer({}) as server:
        yield Net(dns, server)


def moved(to, status=302):
    return Sent(status, b"", {"Location": to})


def test_answer_and_what_is_sent(net, monkeypatch):
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    net.server.routes["/a%20b?c=d"] = Sent(200, JSON)
    answer = net.get("/a b?c=d")
    assert answer.body == JSON
    assert answer.url == net.server.url("/a b?c=d")
    headers = net.server.headers[0]
    assert headers["user-agent"] == f"auditor/{auditor.__version__}"
    assert headers["accept-encoding"] == "identity"
    assert headers["host"] == f"{HOST}:{net.server.port}"


def test_chunks_and_bodies_without_length(net):
    net.server.routes |= {
        "/chunks": HEAD + b"Transfer-Encoding: chunked\r\n\r\n3\r\n{}\n\r\n2\r\n\n\n\r\n0\r\n\r\n",
        "/end": HEAD + b"\r\n" + JSON,
    }
    assert net.get("/chunks").body == b"{}\n\n\n"
    assert net.get("/end").body == JSON


@pytest.mark.parametrize(
    ("sent", "kind", "words"),
    [
        (Sent(404, b"{}"), NoRecordError, "has no record of it"),
        (Sent(401), RefusedError, "refused to answer (HTTP status 401)"),
        (Sent(403), RefusedError, "refused to answer"),
        (Sent(400), UnavailableError, "HTTP status 400"),
        (Sent(302), UnavailableError, "HTTP status 302"),
        ("drop", UnavailableError, "closed the connection before its answer was whole"),
        (HEAD + b"Content-Length: 100\r\n\r\n{}", UnavailableError, "before its answer was whole"),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n50\r\n{}", UnavailableError, "before its answer was whole"),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}", UnavailableError, "before its answer was whole"),
        (b"SSH-2.0-OpenSSH\r\n", MalformedError, "no valid HTTP"),
        (HEAD + b"X: " + b"x" * 70_000 + b"\r\n\r\n", MalformedError, "no valid HTTP"),
        (Sent(200, b"x" * 10_000_000), UnavailableError, "longer than 1,048,576 bytes"),
        (Sent(200, b"x" * 2_000_000, {"Content-Length": "10000000000"}), UnavailableError, "longer than"),
        (HEAD + b"\r\n" + b"x" * 2_000_000, UnavailableError, "longer than"),
        (Sent(200, gzip.compress(b"x" * 10**7), {"Content-Encoding": "gzip"}), MalformedError, "compressed"),
    ],
)  # fmt: skip
def test_bad_answers(net, sent, kind, words):
    net.server.routes["/"] = sent
    with pytest.raises(AskError) as caught:
        net.get("/")
    assert type(caught.value) is kind
    assert caught.value.outcome == kind.__name__.removesuffix("Error").lower().replace(
        "norecord", "no_record"
    )
    assert words in str(caught.value)
    assert HOST in str(caught.value)


def test_body_of_a_404_is_kept(net):
    net.server.routes["/"] = Sent(404, b'{"errorCode": 404}')
    with pytest.raises(NoRecordError) as caught:
        net.get("/")
    assert caught.value.body == b'{"errorCode": 404}'
    assert caught.value.outcome == "no_record"


@pytest.mark.parametrize("how", ["trickle", "trickle body"])
def test_slow_answers_meet_the_deadline(net, how):
    net.server.routes["/"] = how
    with pytest.raises(UnavailableError, match="did not answer in time"):
        net.get("/", deadline_s=0.2)


def test_silence_meets_the_timeout(net):
    with socket.socket() as mute:  # accepts, and says nothing: the TLS handshake never ends
        mute.bind(("127.0.0.1", 0))
        mute.listen()
        with pytest.raises(UnavailableError, match="did not answer in time"):
            net.transport(timeout_s=0.1).get(f"https://{HOST}:{mute.getsockname()[1]}/")


def test_name_servers_that_are_mute_meet_the_deadline(net):
    with pytest.raises(UnavailableError, match=r"mute\.test: the name servers did not answer in time"):
        net.transport(deadline_s=0.2).get("https://mute.test/")


def test_no_connection(net):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(UnavailableError, match="the connection failed: Connection refused"):
        net.transport().get(f"https://{HOST}:{port}/")


def test_wrong_authority(net):
    with HttpsServer({}) as other, pytest.raises(UnavailableError, match="certificate is not trusted"):
        net.get("/", ca_file=other.ca_file)
    assert net.server.asked == []


def test_certificate_of_another_name(net):
    net.names.records["alias.test"] = LOOPBACK
    with pytest.raises(UnavailableError, match="certificate is not trusted: Hostname mismatch"):
        net.transport().get(f"https://alias.test:{net.server.port}/")


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("https://inside.test/", "inside.test stands for 10.0.0.1, which is no public address (private)"),
        ("https://both.test/", "both.test stands for 10.0.0.1"),
        ("https://192.168.1.1/", "192.168.1.1 stands for 192.168.1.1"),
        ("https://[::1]/", "::1, which is no public address (loopback)"),
        ("https://[::ffff:10.0.0.1]/", "IPv4-mapped"),
        ("https://169.254.169.254/latest", "link-local"),
        ("https://[::1%1]/", "::1%1, which is no public address"),
        ("https://[fe80::1%1]/", "fe80::1%1, which is no public address"),
        ("https://nowhere.test/", "nowhere.test: the name does not exist"),
        ("https://a..b/", "a..b: no valid DNS question"),
    ],
)
def test_addresses_are_vetted(net, url, words):
    with pytest.raises(UnavailableError) as caught:
        net.transport().get(url)
    assert words in str(caught.value)


def test_public_addresses_are_connected_to(net):
    net.names.records["public.test"] = {"A": ["8.8.8.8", "101.80.0.1"], "AAAA": ["2400:da00::1"]}
    client = Client(Network(resolver=(net.names.address,)))
    deadline = Deadline(time.monotonic() + 5, 5, time.monotonic)
    assert sorted(client.vetted("public.test", deadline)) == ["101.80.0.1", "2400:da00::1", "8.8.8.8"]
    assert client.vetted("8.8.8.8", deadline) == ["8.8.8.8"]


def test_host_and_port_as_they_stand_in_an_url():
    def authority(host, port):
        return Question(host, port, "/", "*/*", 1).authority

    assert [authority("a.test", 443), authority("a.test", 8443)] == ["a.test", "a.test:8443"]
    assert [authority("2400::1", 443), authority("2400::1", 8443)] == ["[2400::1]", "[2400::1]:8443"]


def test_loopback_is_not_connected_to_unless_settings_say_so(net):
    with pytest.raises(UnavailableError, match="loopback"):
        net.get("/", allow_addresses=())
    assert net.server.asked == []


@pytest.mark.parametrize(
    "url", ["http://rdap.test/", "file:///etc/passwd", "ftp://rdap.test/", "https://", "https://u:p@rdap.test/", "https://[x/", "https://h:99999/"]
)  # fmt: skip
def test_only_https_is_spoken(net, url):
    with pytest.raises(MalformedError, match="URL"):
        net.transport().get(url)
    net.server.routes["/"] = moved(url)
    if url != "https://":
        with pytest.raises((MalformedError, UnavailableError), match="URL"):
            net.get("/")


def test_redirects_are_followed_and_vetted(net):
    net.server.routes |= {
        "/relative": moved("target?q=1", 301),
        "/target?q=1": Sent(200, JSON),
        "/private": moved("https://inside.test/ip/1"),
        "/literal": moved("https://127.1.2.3:1/"),
        "/circle": moved("/circle2", 307),
        "/circle2": moved("/circle3", 308),
        "/circle3": moved("/circle", 303),
        **{f"/{hop}": moved(f"/{hop + 1}") for hop in range(10)},
        "/10": Sent(200, JSON),
    }
    answer = net.get("/relative")
    assert (answer.url, answer.body) == (net.server.url("/target?q=1"), JSON)
    with pytest.raises(UnavailableError, match=r"inside\.test stands for 10\.0\.0\.1"):
        net.get("/private")
    with pytest.raises(UnavailableError, match="no public address"):
        net.get("/literal", allow_addresses=("127.0.0.1/32",))
    with pytest.raises(UnavailableError, match="redirects in a circle"):
        net.get("/circle")
    with pytest.raises(UnavailableError, match="redirects more than 5 times"):
        net.get("/0")
    assert net.get("/5").body == JSON


def test_names_that_change_are_not_asked_twice(net):
    # The address that was vetted is the one connected to: one question for it, and no second look at the name.
    net.server.routes["/"] = Sent(200, JSON)
    net.get("/")
    assert [kind for name, kind in net.names.asked if name == HOST] == ["AAAA", "A"] or len(
        net.names.asked
    ) == 2


def replies(*sent):
    answers = iter(sent)
    return lambda: next(answers)


def test_too_many_questions_are_waited_for(net):
    date = format_datetime(net.clock.now().replace(second=20), usegmt=True)
    net.server.routes["/"] = replies(
        Sent(429, b"", {"Retry-After": "7"}),
        Sent(503, b"", {"Retry-After": date}),
        Sent(429),
        Sent(200, JSON),
    )
    assert net.get("/").body == JSON
    assert [round(seconds, 1) for seconds in net.clock.slept] == [7, 13, 5]


def test_patience_ends(net):
    net.server.routes["/"] = Sent(429, b"", {"Retry-After": "10"})
    transport = net.transport(longest_wait_s=10)
    with pytest.raises(RefusedError, match="wants no more questions before 2026-11-22 00:00:40 UTC"):
        transport.get(net.server.url())
    assert len(net.server.asked) == 4
    net.server.routes["/other"] = Sent(200, JSON)
    assert transport.get(net.server.url("/other")).body == JSON
    assert net.clock.slept[-1] == 10  # the host was left alone for as long as it asked


def test_a_host_that_asks_for_long_is_not_asked_again(net):
    net.server.routes["/"] = Sent(429, b"", {"Retry-After": "3600"})
    transport = net.transport()
    for path in ("/", "/other"):
        with pytest.raises(RefusedError, match="wants no more questions before 2026-11-22 01:00:00 UTC"):
            transport.get(net.server.url(path))
    assert net.server.asked == ["/"]


def test_long_waits_are_refused_at_once(net):
    net.server.routes["/"] = Sent(429, b"", {"Retry-After": "3600"})
    with pytest.raises(RefusedError, match="before 2026-11-22 01:00:00 UTC"):
        net.get("/", longest_wait_s=60)
    assert net.clock.slept == []


def test_faults_of_the_server_are_tried_again(net):
    net.server.routes["/"] = replies(Sent(500), Sent(502), Sent(200, JSON))
    assert net.get("/").body == JSON
    assert net.clock.slept == [1, 2]
    net.server.routes["/"] = Sent(500)
    with pytest.raises(UnavailableError, match="HTTP status 500"):
        net.get("/")
    assert len(net.server.asked) == 6


def test_hosts_out_of_reach_are_given_up(net):
    net.server.routes["/"] = "drop"
    transport = net.transport()
    for _ in range(FAILURES):
        with pytest.raises(UnavailableError, match="closed"):
            transport.get(net.server.url())
    with pytest.raises(UnavailableError, match="out of reach several times; it was not asked again"):
        transport.get(net.server.url())
    assert len(net.server.asked) == FAILURES


def test_hosts_with_faults_are_given_up(net):
    net.server.routes["/bad"] = Sent(500)
    transport = net.transport()
    for _ in range(FAILURES):
        with pytest.raises(UnavailableError, match="HTTP status 500"):
            transport.get(net.server.url("/bad"))
    with pytest.raises(UnavailableError, match="was not asked again"):
        transport.get(net.server.url("/good"))
    assert len(net.server.asked) == 3 * FAILURES


def test_pace(net):
    net.server.routes["/"] = Sent(200, JSON)
    transport = net.transport(per_second=2)
    for _ in range(4):
        transport.get(net.server.url())
    assert net.clock.slept == [0.5, 0.5, 0.5]


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"ca_file": "/nowhere/ca.pem"}, r"network\.ca_file: /nowhere/ca\.pem holds no certificates"),
        ({"ca_file": __file__}, r"network\.ca_file"),
        (
            {"allow_addresses": ("127.0.0.1/8",)},
            r"network\.allow_addresses: 127\.0\.0\.1/8 has host bits set",
        ),
        ({"resolver": ("dns.google",)}, "'dns.google' is no name server"),
        ({"resolver": ("192.0.2.53:99999",)}, "'192.0.2.53:99999' is no name server"),
        ({"resolver": ("192.0.2.53:0",)}, "'192.0.2.53:0' is no name server"),
    ],
)
def test_settings_that_make_no_sense(net, settings, words):
    with pytest.raises(UsageError, match=words):
        net.get("/", **settings)


def test_a_chunk_of_less_than_nothing_is_no_http(net):
    net.server.routes["/"] = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\nabc"
    with pytest.raises(MalformedError, match="its answer is no valid HTTP"):
        net.get("/")


def test_a_host_that_wants_to_be_left_alone_beyond_the_calendar(net):
    net.server.routes["/"] = Sent(429, b"", {"Retry-After": "Fri, 31 Dec 9999 23:59:59 -2359"})
    with pytest.raises(RefusedError, match="wants no more questions before 2058-"):
        net.get("/")


def test_times_without_end_are_no_settings():
    strange = {"timeout_s": math.inf, "deadline_s": 1e308, "per_second": 1e-308, "longest_wait_s": math.inf}
    with pytest.raises(UsageError) as caught:
        read_settings({"network": {**strange, "cache_days": 10**11}})
    assert str(caught.value).count("\n") == 4 and "network.cache_days: Input should be less" in str(
        caught.value
    )


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[1]", b"null", b'{"a": NaN}', b'{"a": "\xff"}', b"[" * 100_000]
)
def test_bodies_that_are_no_json_object(body):
    with pytest.raises(MalformedError, match="its answer is"):
        read_json(body, HOST)
