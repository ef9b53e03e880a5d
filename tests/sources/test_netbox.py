"""NetBox over REST on loopback: what is read is what a dump holds, and no answer leads astray or holds us up."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from auditor.errors import AuditorError, UsageError
from auditor.readers import netbox as reader
from auditor.readers._files import read_json
from auditor.settings import Network
from auditor.sources import _netbox, _netbox_session
from auditor.sources._netbox import ENDPOINTS, NetBoxError, fetch, read_token
from auditor.tables import Log
from tests.servers.dns import DnsServer
from tests.servers.netbox import NetBox, path_of
from tests.servers.rdap import HEAD, Clock, Sent

DEMO = Path(__file__).parents[3] / "shared/testdata/netbox-demo-data/netbox-demo-v3.6.json"
TOKEN = "0123456789abcdef"  # noqa: S105
SITES, DEVICES, CABLES = (path_of(model) for model in ("dcim.site", "dcim.device", "dcim.cable"))


def record(model, pk, /, **fields):
    return {"model": model, "pk": pk, "fields": fields}


def cabled(pk, *ends):
    told = [
        {"cable": pk, "cable_end": side, "termination_type": ["dcim", "interface"], "termination_id": at}
        for side, at in zip("AB", ends, strict=True)
    ]
    return [record("dcim.cabletermination", 100 * pk + n, **end) for n, end in enumerate(told)]


RECORDS = [
    record("dcim.site", 1, name="上海", slug="sh", status="active", latitude=31.2, longitude=121.5, asns=[1]),
    record("ipam.asn", 1, asn=4812),
    record("dcim.device", 1, name="a", site=1, status="active", role=1, comments="张三", description="张三"),
    record("dcim.device", 2, name="b", site=1, status="offline", custom_field_data={"k": "v"}),
    record("dcim.devicerole", 1, name="Router", slug="router"),
    *(record("dcim.interface", pk, device=pk, name="eth0") for pk in (1, 2)),
    record("dcim.cable", 1, type="smf", status="connected", length="1.5", length_unit="km"),
    *cabled(1, 1, 2),
    record(
        "ipam.ipaddress",
        1,
        address="192.0.2.1/24",
        assigned_object_type="dcim.interface",
        assigned_object_id=1,
    ),
]


def read(server, url=None, **settings):
    clock = Clock()
    standard = {"ca_file": server.ca_file, "deadline_s": 5, "per_second": 1000}
    network = Network(**{**standard, **settings})
    return fetch(url or server.url(), network, token=TOKEN, now=clock.now, sleep=clock.sleep), clock


def tables(data):
    log = Log()
    export = reader.READER.tree(read_json(data, "n.json", log), "n.json", log)
    assert not log.problems.found
    return export.nodes.table.to_pylist(), export.links.table.to_pylist()


def unread(data):
    rows = [one["fields"] for one in json.loads(data) if one["model"] == "auditor.unread"]
    return {row["endpoint"]: row["reason"] for row in rows}


@pytest.fixture
def server():
    with NetBox(RECORDS) as running:
        yield running


def failure(server, url=None, **settings):
    with pytest.raises(AuditorError) as caught:
        read(server, url, **settings)
    words = str(caught.value)
    assert TOKEN not in words and "\n" not in words
    return words


# What comes


def test_what_is_fetched_reads_as_the_dump_does(server):
    data, _ = read(server)
    assert tables(data) == tables(json.dumps(RECORDS).encode())
    nodes, [link] = tables(data)
    assert [node["id"] for node in nodes] == ["site:sh", "a", "b"]
    assert (link["source"], link["target"], link["kind"], link["length_m"]) == ("a", "b", "fibre", 1500.0)


def test_the_bytes_hold_no_token_and_no_persons_and_stay_the_same(server):
    data, _ = read(server)
    assert data == read(server)[0]
    for word in (TOKEN, "张三", "secret", "elsewhere.test"):
        assert word not in data.decode()
    assert TOKEN not in "".join(server.asked)


def test_what_is_sent(server, monkeypatch):
    for name in ("https_proxy", "HTTPS_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    read(server)
    assert {headers["authorization"] for headers in server.headers} == {f"Token {TOKEN}"}
    assert {headers["accept-encoding"] for headers in server.headers} == {"identity"}
    assert len(server.asked) == len(ENDPOINTS)
    assert "/api/dcim/devices/?exclude=config_context&limit=500" in server.asked
    assert not [path for path in server.asked if "users" in path or "contact" in path or "extras" in path]


def test_tokens_of_the_second_kind_are_sent_as_netbox_wants_them(server):
    clock = Clock()
    network = Network(ca_file=server.ca_file, per_second=1000)
    fetch(server.url(), network, token="nbt_abc." + "def", now=clock.now, sleep=clock.sleep)
    assert server.headers[0]["authorization"] == "Bearer nbt_abc.def"


@pytest.mark.parametrize("most", [1, 3, 1000])
def test_pages(most):
    records = [record("dcim.site", pk, name=f"s{pk}", slug=f"s{pk}", status="active") for pk in range(1, 11)]
    with NetBox(records, most=most) as server:
        nodes, _ = tables(read(server)[0])
        assert [node["id"] for node in nodes] == [f"site:s{pk}" for pk in range(1, 11)]
        assert len([path for path in server.asked if path.startswith(SITES)]) == -(-10 // most)


def test_plain_http_on_loopback_and_a_path_before_the_api():
    with NetBox(RECORDS, scheme="http") as server:
        assert tables(read(server)[0])[0]
        assert tables(read(server, server.url("/api/"))[0])[0]
        for path, rows in list(server.routes.tables.items()):
            server.routes.held["/inner" + path] = {"count": len(rows), "next": None, "results": rows}
        server.asked.clear()
        assert tables(read(server, server.url("/inner/"))[0])[0]
        assert all(path.startswith("/inner/api/") for path in server.asked)


def test_name_servers_of_the_settings_are_asked(server):
    with DnsServer({"localhost": {"A": ["127.0.0.1"]}}) as names:
        assert tables(read(server, resolver=(names.address,))[0])[0]
    with DnsServer({"localhost": {}}) as names:
        assert "localhost" in failure(server, resolver=(names.address,))


@pytest.mark.shared
def test_the_demo_reads_the_same_over_rest_as_from_its_dump():
    if not DEMO.is_file():
        pytest.skip("no ../shared folder")
    records = json.loads(DEMO.read_bytes())
    with NetBox(records) as server:
        data, _ = read(server)
    assert tables(data) == tables(DEMO.read_bytes())
    assert set(unread(data)) == {
        *("ipam/fhrp-group-assignments", "wireless/wireless-links", "vpn/tunnels", "vpn/tunnel-terminations")
    }


# What is left out


@pytest.mark.parametrize(
    ("status", "reason"),
    [(403, "status 403: the token may not read it"), (404, "status 404: it has no such endpoint")],
)
def test_endpoints_that_are_not_given_are_said_loudly(server, status, reason):
    server.routes.held[CABLES] = Sent(status, b'{"detail": "no"}')
    data, _ = read(server)
    assert unread(data)["dcim/cables"] == reason
    log = Log()
    reader.READER.tree(json.loads(data), "n.json", log)
    assert any(f"did not give dcim/cables ({reason})" in note.what for note in log.notes)
    assert tables(data)[1] == []


def test_fewer_records_than_are_counted_is_a_partial_read(server):
    rows = server.routes.tables[DEVICES]
    server.routes.held[DEVICES] = {"count": 3, "next": None, "results": [*rows, rows[0]]}
    assert unread(read(server)[0])["dcim/devices"] == "2 of 3 records came"


def test_a_netbox_that_gives_nothing_is_no_empty_network(server):
    for path in list(server.routes.tables):
        server.routes.held[path] = Sent(403)
    words = failure(server)
    assert words.endswith(
        "gave no records at all: status 404: it has no such endpoint, status 403: the token may not read it"
    )
    with NetBox([]) as empty:
        for endpoint in ENDPOINTS:
            empty.routes.held[path_of(endpoint)] = {"count": 0, "next": None, "results": []}
        assert failure(empty).endswith("gave no records at all: every page was empty")


# What is refused


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        (Sent(401, b"{}"), "does not accept the token of AUDITOR_NETBOX_TOKEN (status 401)"),
        (Sent(400), "answered with status 400"),
        (Sent(500, b"oops"), "answered with status 500"),
        (Sent(302, b"", {"Location": "https://evil.test/api/"}), "redirects to 'https://evil.test/api/', which was not followed"),
        (Sent(301), "redirects to nothing, which was not followed"),
        (Sent(200, b"<html><body>Login</body></html>"), "something that is no JSON; is it a NetBox?"),
        (Sent(200, b""), "something that is no JSON"),
        (Sent(200, b"[" * 5000 + b"]" * 5000), "something that is no JSON"),
        (Sent(200, b"[1]"), "JSON that is no page of records"),
        ({"results": [{"id": 1}]}, "JSON that is no page of records"),
        ({"count": 1, "results": {"id": 1}}, "JSON that is no page of records"),
        ({"count": 1, "results": ["x"]}, "JSON that is no page of records"),
        ({"count": 1, "results": [{"id": "1"}]}, "JSON that is no page of records"),
        ({"count": 1, "results": [{"id": True}]}, "JSON that is no page of records"),
        ({"count": 1, "next": 7, "results": [{"id": 1}]}, "JSON that is no page of records"),
        ({"count": 1, "results": [{"id": 1, "x": json.loads("[" * 40 + "]" * 40)}]}, "nested more than 32 deep"),
        ({"count": 0, "next": "SELF/api/dcim/sites/?offset=1", "results": []}, "an empty page, and a page after it"),
        (Sent(200, b" " * (10 << 20)), "its answer is longer than 8,388,608 bytes"),
        ("drop", "closed the connection before its answer was whole"),
        (HEAD + b"Content-Length: 100\r\n\r\n{}", "before its answer was whole"),
        (b"SSH-2.0-OpenSSH\r\n", "no valid HTTP"),
    ],
)  # fmt: skip
def test_bad_answers(server, sent, words):
    if isinstance(sent, dict) and "SELF" in str(sent.get("next")):
        sent = {**sent, "next": sent["next"].replace("SELF", server.url())}
    server.routes.held[SITES] = sent
    assert words in failure(server)


@pytest.mark.parametrize(
    "link",
    [
        "https://evil.test/api/dcim/sites/?offset=1",
        "http://localhost:PORT/api/dcim/sites/?offset=1",
        "https://localhost:1/api/dcim/sites/?offset=1",
        "https://localhost@evil.test/api/dcim/sites/",
        "https://x@localhost:PORT/api/dcim/sites/?offset=1",
        "https://localhost:PORT/other/?offset=1",
        "https://localhost:PORT/api/../admin/",
        "https://localhost:PORT/api/dcim/sites/?a=\r\nX: y",
        "https://localhost:PORT/api/dcim/sites/?offset=1 HTTP/1.1",
        "file:///etc/hostname",
        "//evil.test/api/",
        "/api/dcim/sites/?offset=1",
        "https://[bad/",
        "",
    ],
)
def test_pages_elsewhere_are_not_turned_to(server, link):
    row = server.routes.tables[SITES][0]
    page = {"count": 2, "next": link.replace("PORT", str(server.port)), "results": [row]}
    server.routes.held[SITES] = page
    assert "points to" in failure(server)
    assert len([path for path in server.asked if path.startswith(SITES)]) == 1


def test_pages_that_lead_in_a_circle(server):
    rows = server.routes.tables[SITES]
    page = {"count": 9, "next": server.url(SITES + "?limit=500&offset=1"), "results": rows}
    server.routes.held[SITES] = page
    assert "its pages lead in a circle" in failure(server)


def test_pages_without_end(server, monkeypatch):
    monkeypatch.setattr(_netbox_session, "MOST_PAGES", 40)
    rows, turned = server.routes.tables[SITES], iter(range(10**6))
    page = {"count": 10**9, "results": rows}
    server.routes.get = lambda *_: {**page, "next": server.url(f"{SITES}?offset={next(turned) + 7}")}
    assert "more than 40" in failure(server)
    assert len(server.asked) == 40


def test_all_pages_together_have_a_limit(server):
    clock = Clock()
    network = Network(ca_file=server.ca_file, per_second=1000)
    patient = _netbox_session.Patient(network, clock.now, clock.sleep)
    session = _netbox_session.Session(_netbox_session.Base.of(server.url()), patient, left=700)
    session.get(server.url(path_of("dcim.devicerole")), {}, {}, None)
    with pytest.raises(NetBoxError, match="its answer is longer than"):
        session.get(server.url(DEVICES), {}, {}, None)


@pytest.mark.parametrize("sent", ["trickle", "trickle body"])
def test_a_host_that_trickles_does_not_hold_us_up(sent):
    for scheme in ("https", "http"):
        with NetBox(RECORDS, scheme=scheme) as server:
            server.routes.held[path_of("dcim.region")] = sent
            began = time.monotonic()
            assert "did not answer in time" in failure(server, deadline_s=0.3, timeout_s=0.2)
            assert time.monotonic() - began < 5


def test_a_host_that_asks_for_a_pause_gets_it(server):
    answers = [Sent(429, b"", {"Retry-After": "7"}), Sent(503, b"", {"Retry-After": "8"})]
    page = {"count": 1, "next": None, "results": server.routes.tables[SITES]}
    server.routes.held[SITES] = lambda: answers.pop(0) if answers else page
    _, clock = read(server)
    assert [seconds for seconds in clock.slept if seconds >= 1] == [7, 8]


def test_a_pause_that_is_too_long_is_not_waited_for(server):
    server.routes.held[SITES] = Sent(429, b"", {"Retry-After": "3600"})
    assert "wants no more questions before 2026-11-22 01:00:00 UTC" in failure(server)


def test_a_fault_is_asked_again(server):
    answers = [Sent(502), Sent(500)]
    page = {"count": 1, "next": None, "results": server.routes.tables[SITES]}
    server.routes.held[SITES] = lambda: answers.pop(0) if answers else page
    assert tables(read(server)[0])[0]


def test_questions_are_paced(server):
    _, clock = read(server, per_second=2)
    assert sum(clock.slept) == pytest.approx(0.5 * (len(ENDPOINTS) - 1))


def test_certificates_are_verified(server):
    assert "its certificate is not trusted" in failure(server, ca_file=None)
    with NetBox(RECORDS) as other:
        assert "its certificate is not trusted" in failure(server, ca_file=other.ca_file)
    words = failure(server, server.url().replace("localhost", "127.0.0.1"))
    assert "its certificate is not trusted" in words


def test_plain_http_is_spoken_with_the_own_host_alone(server):
    with DnsServer({"netbox.test": {"A": ["127.0.0.1", "10.0.0.1"]}}) as names:
        words = failure(server, f"http://netbox.test:{server.port}", resolver=(names.address,))
    assert words == "NetBox: netbox.test is another host, which is asked by https alone"
    assert server.asked == []


def test_a_host_that_is_not_there(server):
    assert "localhost: the connection failed" in failure(server, "https://localhost:1")


@pytest.mark.parametrize(
    "url",
    [
        "",
        "netbox.example.cn",
        "ftp://netbox.example.cn",
        "file:///etc/hostname",
        "https://",
        "https://netbox.example.cn/?token=x",
        "https://netbox.example.cn/#x",
        "https://netbox.example.cn:port",
        "https://netbox.example.cn/a b",
        "https://netbox.example.cn/\r\nX: y",
        "https://[bad",
    ],
)
def test_what_is_no_url(url):
    with pytest.raises(UsageError, match="is no URL"):
        fetch(url, Network(), token=TOKEN, now=Clock().now, sleep=Clock().sleep)


def test_a_password_in_the_url_is_not_shown():
    with pytest.raises(UsageError) as caught:
        fetch("https://me:hush@netbox.test", Network(), token=TOKEN, now=Clock().now, sleep=Clock().sleep)
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize("token", [None, "", " ", "a b", "a\r\nX: y", "密"])
def test_tokens_come_from_the_environment_and_are_never_shown(token):
    with pytest.raises(UsageError) as caught:
        read_token({} if token is None else {"AUDITOR_NETBOX_TOKEN": token})
    assert str(caught.value).startswith("AUDITOR_NETBOX_TOKEN ")
    assert not (token and token.strip()) or token not in str(caught.value)


def test_the_token_shows_in_no_repr():
    question = _netbox_session.Question("h", 1, "/", "x", 1, {"authorization": TOKEN})
    assert TOKEN not in repr(question)


def test_what_is_asked_for_is_what_the_reader_reads():
    from auditor.readers._netbox import READ, UNREAD

    made = {"dcim.cabletermination", "contenttypes.contenttype", UNREAD}
    assert set(ENDPOINTS) == set(READ) - made
    assert _netbox.UNREAD == UNREAD
