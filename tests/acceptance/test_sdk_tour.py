"""Both official SDKs through a whole farm, from connecting a mailbox to deleting mail; another client sees each
change, as the API sees that client's."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from imapclient import IMAPClient
from nylas import Client
from nylas.models.errors import NylasApiError

from syncfarm.dovecot import Dovecot
from tests.acceptance.test_farm import Farm
from tests.integration.mirroring import mail
from tests.integration.node import needs_node, run
from tests.integration.web import Web
from tests.protocol.sink import PASSWORD as SINK_PASSWORD
from tests.protocol.sink import USER as SINK_USER
from tests.protocol.sink import Sink, running
from tests.waiting import wait_until

pytestmark = pytest.mark.timeout(240)
USERS = {"python@example.test": "correct horse", "node@example.test": "correct horse"}
COUNT = 6
INVOICE = (
    b"From: Shop <shop@example.test>\r\nTo: you@example.test\r\nSubject: Invoice\r\nMessage-ID: <invoice@x>\r\n"
    b'MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary="b"\r\n\r\n--b\r\nContent-Type: text/html\r\n\r\n'
    b"<p>Your invoice</p>\r\n--b\r\nContent-Type: text/plain; name=invoice.txt\r\n"
    b"Content-Disposition: attachment; filename=invoice.txt\r\n\r\n42 Euro\r\n--b--\r\n"
)
TO = [{"name": "Bób", "email": "bob@example.test"}]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dovecot]:
    with Dovecot.start(tmp_path_factory.mktemp("imap"), USERS) as started:
        for user in USERS:
            with client(started, user) as imap:
                for number in range(COUNT - 1):
                    imap.append("INBOX", mail(f"Mail {number}", Message_ID=f"<{number}@x>"))
                imap.append("INBOX", INVOICE)
        yield started


@pytest.fixture(scope="module")
def sink(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sink]:
    with running(Sink(), tmp_path_factory.mktemp("sink")) as started:
        yield started


@pytest.fixture(scope="module")
def farm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Farm]:
    made = Farm(tmp_path_factory.mktemp("farm") / "var")
    made.env |= {"SYNCFARM_TRUSTED_HOSTS": "127.0.0.1"}
    made.start()
    yield made
    made.kill_everything()


@pytest.fixture(scope="module")
def web(farm: Farm) -> Web:
    key = farm.manage("apikey", "create", "tour").stdout.split()[-1]
    return Web(0, int(farm.facts["local_url"].rpartition(":")[2]), key)


def client(server: Dovecot, user: str) -> IMAPClient:
    imap = IMAPClient("127.0.0.1", port=server.port, ssl=False)
    imap.login(user, USERS[user])
    return imap


def settings(server: Dovecot, sink: Sink, user: str) -> dict[str, Any]:
    return {
        "imap_username": user,
        "imap_password": USERS[user],
        "imap_host": "127.0.0.1",
        "imap_port": server.port,
        "imap_security": "none",
        "smtp_host": "127.0.0.1",
        "smtp_port": sink.login.port,
        "smtp_security": "none",
        "smtp_username": SINK_USER,
        "smtp_password": SINK_PASSWORD,
    }


def soon(fact: Callable[[], bool]) -> None:
    """It becomes true; how soon is bench.figures' business, for a busy machine takes longer than two seconds."""
    wait_until(fact, 30)


def subjects(imap: IMAPClient, folder: str) -> list[str]:
    if not imap.folder_exists(folder):
        return []
    imap.select_folder(folder, readonly=True)
    found = imap.fetch(imap.search("ALL"), ["ENVELOPE"])
    return [data[b"ENVELOPE"].subject.decode() for _uid, data in sorted(found.items())]


@dataclass(frozen=True, slots=True)
class Tour:
    """An application with its customer's mailbox, and another client of that."""

    nylas: Client
    me: str  # the grant
    imap: IMAPClient

    def listed(self, **query: Any) -> list[Any]:
        return list(self.nylas.messages.list(self.me, query).data)


def test_the_python_sdk_tours_a_farm(web: Web, server: Dovecot, sink: Sink, tmp_path: Path) -> None:
    user = "python@example.test"
    nylas = Client(web.key, api_uri=web.url)
    grant = nylas.auth.custom_authentication({"provider": "imap", "settings": settings(server, sink, user)}).data
    with client(server, user) as imap:
        tour = Tour(nylas, grant.id, imap)
        wait_until(lambda: len(tour.listed()) == COUNT, 60)
        read_and_page(tour)
        folder, invoice = organise(tour)
        write_and_send(tour)
        sent = send_a_large_one(tour, invoice, tmp_path)
        assert [envelope.rcpt_tos for envelope in sink.letters] == [["bob@example.test"]] * 2
        schedule_and_cancel(tour)
        delete(tour, sent, invoice, folder)


def read_and_page(tour: Tour) -> None:
    inbox = next(folder for folder in tour.nylas.folders.list(tour.me).data if folder.name == "INBOX")
    page = tour.nylas.messages.list(tour.me, {"limit": 4, "in": [inbox.id]})
    rest = tour.nylas.messages.list(tour.me, {"limit": 4, "in": [inbox.id], "page_token": page.next_cursor})
    assert (len(page.data), len(rest.data), rest.next_cursor) == (4, 2, None)
    tour.imap.append("INBOX", mail("From another client"))
    soon(lambda: bool(tour.listed(subject="From another client")))


def organise(tour: Tour) -> tuple[str, Any]:
    """The folder that is made, and the message that is put there."""
    nylas, me, imap = tour.nylas, tour.me, tour.imap
    archive = nylas.folders.create(me, {"name": "Ablage"}).data
    soon(lambda: bool(imap.folder_exists("Ablage")))
    (found,) = tour.listed(subject="Invoice", has_attachment=True)
    assert "Your invoice" in nylas.messages.find(me, found.id).data.body
    nylas.messages.update(me, found.id, {"unread": False, "starred": True})
    imap.select_folder("INBOX", readonly=True)
    (uid,) = imap.search(["SUBJECT", "Invoice"])
    soon(lambda: {b"\\Seen", b"\\Flagged"} <= set(imap.fetch([uid], ["FLAGS"])[uid][b"FLAGS"]))
    assert nylas.messages.update(me, found.id, {"folders": [archive.id]}).data.folders == [archive.id]
    soon(lambda: subjects(imap, "Ablage") == ["Invoice"])
    content = nylas.attachments.download_bytes(me, found.attachments[0].id, {"message_id": found.id})
    assert content == b"42 Euro"
    return archive.id, found


def write_and_send(tour: Tour) -> None:
    nylas, me, imap = tour.nylas, tour.me, tour.imap
    draft = nylas.drafts.create(me, {"to": TO, "subject": "First", "body": "<p>x</p>"}).data
    soon(lambda: subjects(imap, "Drafts") == ["First"])
    assert nylas.drafts.update(me, draft.id, {"subject": "Second"}).data.id == draft.id
    soon(lambda: subjects(imap, "Drafts") == ["Second"])
    assert nylas.drafts.send(me, draft.id).data.subject == "Second"
    soon(lambda: (subjects(imap, "Drafts"), subjects(imap, "Sent")) == ([], ["Second"]))


def send_a_large_one(tour: Tour, invoice: Any, tmp_path: Path) -> str:
    big = tmp_path / "big.bin"
    big.write_bytes(b"x" * 3_500_000)
    with big.open("rb") as file:
        attached = {"filename": "groß.bin", "content_type": "application/octet-stream", "content": file}
        letter = {"to": TO, "subject": "Large", "body": "x", "reply_to_message_id": invoice.id}
        sent = tour.nylas.messages.send(tour.me, {**letter, "attachments": [{**attached, "size": 3_500_000}]}).data
    assert (sent.thread_id, sent.attachments[0].size) == (invoice.thread_id, 3_500_000)
    return str(sent.id)


def schedule_and_cancel(tour: Tour) -> None:
    messages = tour.nylas.messages
    later = messages.send(tour.me, {"to": TO, "subject": "Never", "send_at": int(time.time()) + 3600}).data
    (schedule,) = messages.list_scheduled_messages(tour.me).data
    assert (schedule.schedule_id, schedule.status.code) == (later.schedule_id, "pending")
    assert messages.stop_scheduled_message(tour.me, schedule.schedule_id).data.message
    assert messages.find_scheduled_message(tour.me, schedule.schedule_id).data.status.code == "cancelled"


def delete(tour: Tour, sent: str, invoice: Any, folder: str) -> None:
    nylas, me, imap = tour.nylas, tour.me, tour.imap
    nylas.messages.destroy(me, sent)
    soon(lambda: subjects(imap, "Trash") == ["Large"])
    query: Any = {"hard_delete": True}  # which the SDK's own destroy has no place for
    nylas.http_client._execute("DELETE", f"/v3/grants/{me}/messages/{invoice.id}", query_params=query)
    with pytest.raises(NylasApiError):
        nylas.messages.find(me, invoice.id)
    soon(lambda: subjects(imap, "Ablage") == [])
    nylas.folders.destroy(me, folder)
    soon(lambda: not imap.folder_exists("Ablage"))


@needs_node
def test_the_node_sdk_tours_a_farm(web: Web, server: Dovecot, sink: Sink) -> None:
    run("tour", web, settings=settings(server, sink, "node@example.test"), count=COUNT, grant="")
