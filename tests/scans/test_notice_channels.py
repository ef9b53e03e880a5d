"""Folder, mail and webhook, over real protocols on loopback."""

import datetime as dt
import email.policy
import hmac
import re
import shutil
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.errors import AuditorError, UsageError
from auditor.language import Text
from auditor.scans import notice_recipients, tables
from auditor.scans.channels import ChannelError, Letter, Office, channel
from auditor.scans.channels.file import name_of
from auditor.settings import Settings, read_settings
from tests.scans._build import add_operator, add_run
from tests.scans._notices import HOSTILE, found, rows_of, send
from tests.scans.conftest import FakeClock
from tests.servers.dns import DnsServer
from tests.servers.rdap import HttpsServer, Sent
from tests.servers.smtp import SmtpServer

# --- channels ---------------------------------------------------------------------------------------------

AT = dt.datetime(2026, 11, 22, 1, tzinfo=dt.UTC)
SECRET = "a secret of sixteen and more"  # noqa: S105 -- of tests


def letter(operator="one", key="0123456789abcdef" * 4, text="# 告知\n.\n.leading\n", title="x"):
    return Letter(key, operator, Text(f"Notice {title}", f"告知 {title}"), text, b'{"key": 1}', AT)


def test_a_folder_holds_each_notice_once_whole_and_nowhere_else(tmp_path):
    folder = tmp_path / "box"
    folder.mkdir()
    own = channel("file")
    own.send(Office(Settings(), {}, FakeClock()), letter(HOSTILE), str(folder))
    next(folder.glob("*.md")).rename(folder / f"{name_of(letter(HOSTILE))}.md.77.part")  # broke off
    for _ in range(2):
        own.send(Office(Settings(), {}, FakeClock()), letter(HOSTILE), str(folder))
    names = sorted(path.name for path in folder.iterdir())
    assert names == [f"evil_Bcc_all_b_cn_script_alert_1_script_-0123456789abcdef.{e}" for e in ("json", "md")]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["box"]
    assert (folder / names[1]).read_text("utf-8") == letter().text
    shutil.rmtree(folder)
    with pytest.raises(AuditorError, match="no such folder"):
        own.send(Office(Settings(), {}, FakeClock()), letter(), str(folder))


@given(operator=st.text())
def test_no_name_of_an_operator_leads_out_of_the_folder(operator):
    name = name_of(letter(operator))
    assert name == Path(name).name
    assert not name.startswith((".", "-"))
    assert len(name.encode()) < 250
    assert re.fullmatch(r"[\w-]+", name)


def mail_office(server, **more):
    known = {
        "host": "localhost",
        "port": server.port,
        "sender": "audit@example.cn",
        "security": server.security,
    }
    values = {"notices": {"smtp": {**known, **more}}, "network": {"ca_file": server.ca_file, "deadline_s": 5}}
    return Office(read_settings(values), {"AUDITOR_SMTP_PASSWORD": "word"}, FakeClock())


def mail(server, office_=None, **given_):
    own = channel("smtp")
    own.ready(office_ or mail_office(server))
    own.send(office_ or mail_office(server), letter(**given_), "zhang@example.cn")


@pytest.mark.parametrize("security", ["none", "starttls", "tls"])
def test_mail_arrives_with_both_languages_and_its_json(security):
    with SmtpServer(security=security) as server:
        mail(server)
        mail(server)
    sender, receivers, data = server.mails[0]
    assert (sender, receivers) == ("audit@example.cn", ["zhang@example.cn"])
    assert server.mails[1][2] == data  # again: the same bytes
    read = email.message_from_bytes(data, policy=email.policy.default)
    assert read["Message-ID"] == f"<{letter().key}@auditor.invalid>"
    assert read["Subject"] == "告知 x / Notice x"
    body, attached = read.iter_parts()
    assert body.get_content().replace("\r\n", "\n") == letter().text
    assert attached.get_content() == letter().data


def test_nothing_in_a_title_begins_a_header():
    with SmtpServer() as server:
        mail(server, title=HOSTILE)
    read = email.message_from_bytes(server.mails[0][2], policy=email.policy.default)
    assert read["Bcc"] is None
    assert "\\r\\nBcc" in read["Subject"]
    assert "\u202e" not in read["Subject"]
    assert len(server.mails[0][1]) == 1


def test_a_password_goes_over_tls_alone():
    with SmtpServer(security="starttls", user="audit", password="word") as server:  # noqa: S106
        mail(server, mail_office(server, user="audit"))
        with pytest.raises(ChannelError, match="535"):
            mail(
                server, replace(mail_office(server, user="audit"), environ={"AUDITOR_SMTP_PASSWORD": "wrong"})
            )
        with pytest.raises(UsageError, match="AUDITOR_SMTP_PASSWORD"):
            mail(server, replace(mail_office(server, user="audit"), environ={}))
    with SmtpServer() as server, pytest.raises(UsageError, match="without TLS"):
        mail(server, mail_office(server, user="audit"))
    assert server.commands == []


def test_a_server_that_offers_no_starttls_gets_no_mail():
    with SmtpServer() as server, pytest.raises(ChannelError):
        mail(server, mail_office(server, security="starttls"))
    assert server.mails == []


def test_a_certificate_of_another_is_not_trusted():
    with (
        SmtpServer(security="starttls", host="other.test") as server,
        pytest.raises(ChannelError, match="not trusted"),
    ):
        mail(server)
    assert server.mails == []


def test_mail_in_clear_stays_on_this_machine():
    values = {"notices": {"smtp": {"host": "192.0.2.1", "sender": "a@b.cn", "security": "none"}}}
    with pytest.raises(UsageError, match="loopback"):
        channel("smtp").ready(Office(read_settings(values), {}, FakeClock()))
    with pytest.raises(UsageError, match="host and sender"):
        channel("smtp").ready(Office(Settings(), {}, FakeClock()))


@pytest.mark.parametrize(
    ("answers", "told", "arrived"),
    [
        ({"RCPT": "550 no such user"}, "550 no such user", 0),
        ({"MAIL": "451 later\x1b[31m"}, "451 later", 0),
        ({".": "554 spam"}, "554 spam", 0),
        ({"EHLO": "drop"}, "the connection failed", 0),
        ({".": "drop"}, "the connection failed", 0),
        ({".": "drop after"}, "the connection failed", 1),  # nobody knows that it arrived: it goes out again
    ],
)
def test_mail_that_is_not_taken_is_told(answers, told, arrived):
    with (
        SmtpServer(answers=answers) as server,
        pytest.raises(ChannelError, match=re.escape(told)) as caught,
    ):
        mail(server)
    assert len(server.mails) == arrived
    assert "\x1b" not in str(caught.value)


def test_no_mail_server_is_told():
    with SmtpServer() as server:
        values = mail_office(server).settings.model_dump()
    values["network"]["ca_file"] = None
    with pytest.raises(ChannelError, match="the connection failed"):
        mail(server, Office(read_settings(values), {}, FakeClock()))


@contextmanager
def hook(answer):
    routes = {"POST /hook?token=t": answer}
    with (
        HttpsServer(routes, host="hook.test") as server,
        DnsServer({"hook.test": {"A": ["127.0.0.1"]}}) as names,
    ):
        network = {"ca_file": server.ca_file, "resolver": [names.address], "deadline_s": 5}
        values = {"network": {**network, "allow_addresses": ["127.0.0.0/8"]}}
        yield server, Office(read_settings(values), {"AUDITOR_WEBHOOK_SECRET": SECRET}, FakeClock())


def call(server, office_, url=None):
    channel("webhook").ready(office_)
    channel("webhook").send(office_, letter(), url or server.url("/hook?token=t"))


def test_a_webhook_is_signed_and_knows_the_notice_by_its_key():
    with hook(Sent(204)) as (server, office_):
        call(server, office_)
        call(server, office_)
    assert server.bodies == [letter().data] * 2
    for headers in server.headers:
        assert headers["idempotency-key"] == letter().key
        signed = headers["x-auditor-timestamp"].encode() + b"." + letter().data
        mac = hmac.new(SECRET.encode(), signed, "sha256").hexdigest()
        assert headers["x-auditor-signature"] == f"v1={mac}"
    assert "token=t" not in channel("webhook").shown(server.url("/hook?token=t"))


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (Sent(500), "status 500"),
        (Sent(302, headers={"Location": "https://hook.test/other"}), "status 302"),
        (Sent(200, b"x" * 70_000), "longer than"),
        (b"no HTTP\r\n\r\n", "no valid HTTP"),
        ("drop", "closed the connection"),
    ],
)
def test_a_webhook_that_does_not_take_it_is_told(answer, told):
    with hook(answer) as (server, office_), pytest.raises(ChannelError, match=told):
        call(server, office_)
    assert server.asked == ["/hook?token=t"]


@pytest.mark.parametrize(
    "url", ["https://127.0.0.1:9/", "https://169.254.169.254/latest", "https://[::1]/", "https://10.0.0.1/"]
)
def test_a_webhook_is_public(url):
    office_ = Office(Settings(), {"AUDITOR_WEBHOOK_SECRET": SECRET}, FakeClock())
    with pytest.raises(ChannelError, match="no public address"):
        call(None, office_, url)


def test_a_name_that_stands_for_a_private_address_is_not_called():
    with hook(Sent(200)) as (server, office_):
        network = office_.settings.network.model_copy(update={"allow_addresses": ()})
        strict = replace(office_, settings=office_.settings.model_copy(update={"network": network}))
        with pytest.raises(ChannelError, match="no public address"):
            call(server, strict)
    assert server.asked == []


def test_a_secret_is_there_and_long_enough(tmp_path):
    file = tmp_path / "secret"
    file.write_text("short", "utf-8")
    values = {"notices": {"webhook": {"secret_file": str(file)}}}
    with pytest.raises(UsageError, match="shorter"):
        channel("webhook").ready(Office(read_settings(values), {}, FakeClock()))
    with pytest.raises(UsageError, match="AUDITOR_WEBHOOK_SECRET"):
        channel("webhook").ready(Office(Settings(), {}, FakeClock()))
    assert SECRET not in repr(Office(Settings(), {"AUDITOR_WEBHOOK_SECRET": SECRET}, FakeClock()))


def test_nothing_is_sent_where_a_channel_is_not_ready(store, tmp_path):
    add_run(store, {add_operator(store, "one"): {"changes": [found()]}})
    notice_recipients.add(store, "file", str(tmp_path))
    notice_recipients.add(store, "smtp", "a@b.cn")
    with pytest.raises(UsageError, match="host and sender"):
        send(store)
    assert rows_of(store, tables.notice) == []
