"""LIST and STATUS responses in, folders out."""

import io
from collections.abc import Iterator

from mail.imap import listing
from mail.imap.reader import ConnectionEnded, Data, ResponseReader, Status
from mail.types import RemoteFolder


def _responses(octets: bytes) -> Iterator[Data | Status]:
    responses = ResponseReader(io.BytesIO(octets))
    while True:
        try:
            yield responses.next()
        except ConnectionEnded:
            return


def _folders(*lines: bytes) -> dict[str, RemoteFolder]:
    return {each.name: each for each in listing.folders(_responses(b"".join(line + b"\r\n" for line in lines)))}


def _roles(*lines: bytes) -> dict[str, str]:
    return {name: each.role for name, each in _folders(*lines).items() if each.role}


def test_a_folder_carries_its_names_counts_and_attributes() -> None:
    found = _folders(
        b'* LIST (\\HasNoChildren) "." "INBOX.Entw&APw-rfe"',
        b'* STATUS "INBOX.Entw&APw-rfe" (MESSAGES 3 UNSEEN 1 UIDNEXT 9 UIDVALIDITY 7 HIGHESTMODSEQ 99999999999'
        b" MAILBOXID (F22-x))",
    )
    assert found == {
        "INBOX.Entwürfe": RemoteFolder(
            wire_name="INBOX.Entw&APw-rfe",
            name="INBOX.Entwürfe",
            delimiter=".",
            attributes=frozenset({"\\HasNoChildren"}),
            role="drafts",
            messages=3,
            unseen=1,
            uidnext=9,
            uidvalidity=7,
            highestmodseq=99999999999,
            mailbox_id="F22-x",
        )
    }


def test_names_come_as_atoms_strings_or_literals() -> None:
    found = _folders(
        b"* LIST () / plain",
        b'* LIST () "\\\\" "back\\\\slash \\"quoted\\""',
        b'* LIST () "/" {7}\r\nlit"er(',
        b"* STATUS {5}\r\nplain (MESSAGES 1)",
        b'* STATUS "lit\\"er(" (MESSAGES 2)',
    )
    assert {(each.name, each.delimiter, each.messages) for each in found.values()} == {
        ("plain", "/", 1),
        ('back\\slash "quoted"', "\\", None),
        ('lit"er(', "/", 2),
    }


def test_numbers_and_nil_may_be_names() -> None:
    assert list(_folders(b'* LIST () "/" 2024', b'* LIST () "/" "NIL"', b'* LIST () NIL "flat"')) == [
        "2024",
        "NIL",
        "flat",
    ]
    assert _folders(b'* LIST () NIL "flat"')["flat"].delimiter == ""


def test_the_wire_name_is_the_truth_for_names_that_are_broken_or_8_bit() -> None:
    found = listing.folders(_responses(b'* LIST () "/" "Entw\xc3\xbcrfe"\r\n* LIST () "/" "&broken"\r\n'))
    assert [(each.name, each.wire_name) for each in found] == [("Entwürfe", "Entw\xc3\xbcrfe"), ("&broken", "&broken")]


def test_folders_that_cannot_be_opened_are_marked() -> None:
    found = _folders(
        b'* LIST (\\Noselect) "/" a', b'* LIST (\\NonExistent) "/" b', b'* LIST (\\NOSELECT) "/" c', b'* LIST () "/" d'
    )
    assert [each.selectable for each in found.values()] == [False, False, False, True]


def test_a_name_with_nul_is_left_out() -> None:
    assert list(_folders(b'* LIST () "/" {3}\r\na\0b', b'* LIST () "/" c')) == ["c"]


def test_inbox_is_one_in_any_case() -> None:
    found = _folders(
        b'* LIST () "/" Inbox', b'* LIST () "/" INBOX', b"* STATUS inbox (MESSAGES 4)", b'* LIST () "/" Inbox/x'
    )
    assert list(found) == ["INBOX", "Inbox/x"]
    assert (found["INBOX"].wire_name, found["INBOX"].messages, found["INBOX"].role) == ("Inbox", 4, "inbox")


def test_a_folder_without_status_has_no_counts() -> None:
    found = _folders(
        b'* LIST () "/" a', b"* STATUS b (MESSAGES 4)", b"* STATUS a (MESSAGES)", b"* OK [ALERT] hi", b"* 3 EXISTS"
    )
    assert [each.messages for each in found.values()] == [None]


def test_attributes_that_tell_of_new_mail_are_no_property_of_the_folder() -> None:
    assert _folders(b'* LIST (\\Marked \\HasChildren) "/" a')["a"].attributes == {"\\HasChildren"}


def test_special_use_attributes_give_roles_whatever_the_name() -> None:
    assert _roles(
        b'* LIST (\\HasNoChildren \\Sent) "/" Foo',
        b'* LIST (\\drafts) "/" "Deep/Down/Work"',
        b'* LIST (\\All) "/" "[Gmail]/All Mail"',
        b'* LIST (\\Flagged) "/" "[Gmail]/Starred"',
        b'* LIST (\\Important) "/" "[Gmail]/Important"',
        b'* LIST () "/" Sent',
        b'* LIST () "/" Trash',
    ) == {
        "Foo": "sent",
        "Deep/Down/Work": "drafts",
        "[Gmail]/All Mail": "all",
        "[Gmail]/Starred": "flagged",
        "Trash": "trash",
    }


def test_gmails_old_xlist_gives_roles() -> None:
    assert _roles(
        b'* XLIST (\\HasNoChildren \\Inbox) "/" Posteingang',
        b'* XLIST (\\Spam) "/" "[Gmail]/S"',
        b'* XLIST (\\AllMail) "/" "[Gmail]/A"',
        b'* XLIST (\\Starred) "/" "[Gmail]/M"',
    ) == {"Posteingang": "inbox", "[Gmail]/S": "junk", "[Gmail]/A": "all", "[Gmail]/M": "flagged"}


def test_names_in_many_languages_give_roles() -> None:
    assert _roles(
        b'* LIST () "/" Gesendet',
        b'* LIST () "/" Corbeille',
        '* LIST () "/" "垃圾邮件"'.encode(),
        b'* LIST () "/" "&BCcENQRABD0EPgQyBDgEOgQ4-"',
        b'* LIST () "/" ARCHIV',
    ) == {"Gesendet": "sent", "Corbeille": "trash", "垃圾邮件": "junk", "Черновики": "drafts", "ARCHIV": "archive"}


def test_a_name_counts_at_the_top_or_below_inbox_only() -> None:
    assert _roles(
        b'* LIST () "." "INBOX.Sent"', b'* LIST () "." "Projects.Trash"', b'* LIST () "." "INBOX.a.Junk"'
    ) == {"INBOX.Sent": "sent"}


def test_no_role_is_given_twice_by_name_and_the_commoner_name_has_it() -> None:
    assert _roles(b'* LIST () "/" "Sent Items"', b'* LIST () "/" Sent', b'* LIST (\\Noselect) "/" Trash') == {
        "Sent": "sent"
    }
