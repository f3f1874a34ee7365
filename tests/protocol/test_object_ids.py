"""A second real server, pymap, which has OBJECTID (RFC 8474) and LIST-STATUS but no CONDSTORE."""

from imapclient import IMAPClient

from mail.imap.session import MailSession
from mail.types import Login

_MAIL = b"Subject: identity\r\n\r\nthe same everywhere\r\n"


def test_a_message_keeps_its_email_id_when_it_is_copied(object_id_login: Login) -> None:
    login = object_id_login
    with IMAPClient(login.host, port=login.port, ssl=False) as client:
        client.login(login.username, login.password)
        client.append("INBOX", _MAIL)
        client.select_folder("INBOX")
        uid = max(client.search())
        client.create_folder("Kopien & Mehr")
        client.copy([uid], "Kopien & Mehr")
    with MailSession.open(login) as session:
        assert "OBJECTID" in session.capabilities
        assert session.strategy == "full"
        folders = {each.name: each for each in session.folders()}
        assert folders["Kopien & Mehr"].mailbox_id
        assert folders["Kopien & Mehr"].messages == 1
        session.select("INBOX")
        (original,) = session.bodies([uid])
        session.select(folders["Kopien & Mehr"].wire_name)
        (copy,) = session.bodies(session.uids(1))
        (entry,) = session.entries([copy.uid])
    assert original.raw == copy.raw == _MAIL
    assert original.email_id == copy.email_id == entry.email_id != ""
    assert copy.thread_id == entry.thread_id
