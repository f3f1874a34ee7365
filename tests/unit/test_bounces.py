"""Notifications that a message failed, made after those of mail servers; and what only looks like one."""

import time

import pytest

from mail import bounces
from mail.types import Bounce, BouncedRecipient

ORIGINAL = "Received: by mx\nMessage-ID: <tea@example.test>\nFrom: me@example.test\nSubject: Tea\n"
RECIPIENT = "Final-Recipient: rfc822; ann@there.test\nAction: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550 5.1.1 No such user\n"
ANN = BouncedRecipient("ann@there.test", "5.1.1", "550 5.1.1 No such user")


def report(
    status: str = RECIPIENT,
    returned: str = ORIGINAL,
    *,
    header: str = "",
    kind: str = "report-type=delivery-status",
    part: str = "message/delivery-status",
    returned_as: str = "message/rfc822",
) -> bytes:
    text = f"""From: Mail Delivery System <MAILER-DAEMON@mx.test>
Subject: Undelivered Mail Returned to Sender
Content-Type: multipart/report; {kind}; boundary=B
{header}
--B

I'm sorry to have to inform you that your message could not be delivered.
--B
Content-Type: {part}

Reporting-MTA: dns; mx.test

{status}
--B
Content-Type: {returned_as}

{returned}
--B--
"""
    return text.encode()


def addresses(found: Bounce | None) -> list[str]:
    return [each.address for each in found.recipients] if found else []


def test_a_report_tells_what_failed_and_why() -> None:
    assert bounces.find(report()) == Bounce("tea@example.test", (ANN,), "hard")
    assert bounces.find(report().replace(b"\n", b"\r\n")) == Bounce("tea@example.test", (ANN,), "hard")


@pytest.mark.parametrize("returned_as", ["text/rfc822-headers", "message/global", "message/global-headers"])
def test_the_original_may_be_returned_as_its_header(returned_as: str) -> None:
    found = bounces.find(report(part="message/global-delivery-status", returned_as=returned_as))
    assert found
    assert found.original_header_id == "tea@example.test"


@pytest.mark.parametrize(
    ("status", "header"),
    [
        (f"{RECIPIENT}", "In-Reply-To: <tea@example.test>\n"),
        (f"{RECIPIENT}", "In-Reply-To:\n <tea@example.test>\n"),
    ],
)
def test_the_original_may_be_named_by_the_notification_alone(status: str, header: str) -> None:
    found = bounces.find(report(status, "Subject: Tea\n", header=header))
    assert found
    assert found.original_header_id == "tea@example.test"


def test_exchange_names_the_original_among_the_fields_of_the_message() -> None:
    mail = report(returned="Subject: Tea\n").replace(
        b"Reporting-MTA: dns; mx.test\n", b"Reporting-MTA: dns; mx.test\nX-Original-Message-ID: <tea@example.test>\n"
    )
    found = bounces.find(mail)
    assert found
    assert found.original_header_id == "tea@example.test"


def test_only_those_are_listed_that_failed() -> None:
    others = "".join(
        f"\nFinal-Recipient: rfc822; {action}@there.test\nAction: {action}\nStatus: {status}\n"
        for action, status in (
            ("delayed", "4.0.0"),
            ("relayed", "2.0.0"),
            ("delivered", "2.0.0"),
            ("expanded", "2.0.0"),
        )
    )
    assert addresses(bounces.find(report(RECIPIENT + others))) == ["ann@there.test"]
    assert bounces.find(report(others.lstrip())) is None


def test_the_address_that_was_written_to_is_listed_not_where_it_was_forwarded() -> None:
    found = bounces.find(report("Original-Recipient: rfc822;team@there.test\n" + RECIPIENT))
    assert addresses(found) == ["team@there.test"]


@pytest.mark.parametrize(
    ("recipient", "status", "kind"),
    [
        ("Action: failed\nStatus: 5.2.2\nDiagnostic-Code: smtp; 552 5.2.2 mailbox full", "5.2.2", "soft"),
        ("Action: failed\nStatus: 4.4.7 (expired)\n", "4.4.7", "soft"),
        ("Action: Failed\nDiagnostic-Code: smtp; 550-No such user", "5.0.0", "hard"),
        ("Action: failed (permanent)\nStatus: 5.1.10", "5.1.10", "hard"),
        ("Status: 5.0.0", "5.0.0", "hard"),
        ("Action: failed\nStatus: nonsense", "", "soft"),
    ],
)
def test_the_status_tells_whether_it_will_fail_again(recipient: str, status: str, kind: str) -> None:
    found = bounces.find(report(f"Final-Recipient: RFC822; <ann@there.test>\n{recipient}\n"))
    assert found
    assert ((found.recipients[0].status, found.kind)) == (status, kind)


def test_recipients_without_a_blank_line_between_them_are_told_apart() -> None:
    second = RECIPIENT.replace("ann@", "bob@")
    assert addresses(bounces.find(report(RECIPIENT + second))) == ["ann@there.test", "bob@there.test"]


QMAIL = f"""From: MAILER-DAEMON@mx.test
Subject: failure notice

Hi. This is the qmail-send program at mx.test.
I'm afraid I wasn't able to deliver your message to the following addresses.
This is a permanent error; I've given up. Sorry it didn't work out.

<ann@there.test>:
192.0.2.1 does not like recipient.
Remote host said: 550 5.1.1 No such user
Giving up on 192.0.2.1.

<bob@there.test>:
Sorry, no mailbox here by that name. (#5.1.1)

--- Below this line is a copy of the message.

Return-Path: <me@example.test>
{ORIGINAL}
Tea?
"""
EXIM = f"""From: Mail Delivery System <Mailer-Daemon@mx.test>
Subject: Mail delivery failed: returning message to sender
Auto-Submitted: auto-replied
X-Failed-Recipients: ann@there.test

This message was created automatically by mail delivery software.

A message that you sent could not be delivered to one or more of its
recipients. This is a permanent error. The following address(es) failed:

  ann@there.test
    host mx.there.test [192.0.2.1]
    SMTP error from remote mail server after RCPT TO:<ann@there.test>:
    550 5.1.1 No such user

------ This is a copy of the message, including all the headers. ------

{ORIGINAL}
Tea?
"""
GMAIL = f"""From: Mail Delivery Subsystem <mailer-daemon@googlemail.com>
Subject: Delivery Status Notification (Failure)
X-Failed-Recipients: ann@there.test

Delivery to the following recipient failed permanently:

     ann@there.test

Technical details of permanent failure:
The error that the other server returned was:
550 5.1.1 No such user

----- Original message -----

{ORIGINAL}
Tea?
"""


@pytest.mark.parametrize(
    ("mail", "failed"),
    [(QMAIL, ["ann@there.test", "bob@there.test"]), (EXIM, ["ann@there.test"]), (GMAIL, ["ann@there.test"])],
)
def test_texts_of_known_programs_tell_the_same(mail: str, failed: list[str]) -> None:
    found = bounces.find(mail.encode())
    assert found
    assert (found.original_header_id, addresses(found), found.kind) == ("tea@example.test", failed, "hard")
    assert {each.status for each in found.recipients} == {"5.1.1"}


@pytest.mark.parametrize(
    "mail",
    [
        report(kind="report-type=disposition-notification", part="message/disposition-notification"),
        report(kind="report-type=feedback-report", part="message/feedback-report"),
        report(returned="Subject: Tea\n"),
        report("Final-Recipient: rfc822; nobody\nAction: failed\nStatus: 5.1.1\n"),
        report().replace(b"multipart/report", b"multipart/mixed"),
        b"Content-Type: multipart/mixed; boundary=M\n\n--M\n\nSee this.\n--M\nContent-Type: message/rfc822\n\n"
        + report()
        + b"\n--M--\n",
        EXIM.replace("could not be delivered", "has not yet been delivered").encode(),
        GMAIL.replace("Technical", "THIS IS A WARNING MESSAGE ONLY.\n\nTechnical").encode(),
        QMAIL.replace("Hi. This is the qmail-send program", "Hello, this is Bob").encode(),
        QMAIL.partition("--- Below")[0].encode(),
        b"From: postmaster@there.test\nSubject: Out of office\nAuto-Submitted: auto-replied\n\nI am away. 550 5.1.1\n",
        b"From: mailer-daemon@spam.test\nSubject: Mail delivery failed\n\nYour mailbox is full, click here.\n",
        b"",
    ],
)
def test_what_only_looks_like_a_bounce_is_none(mail: bytes) -> None:
    assert bounces.find(mail) is None


def test_only_notifiers_and_reports_are_read() -> None:
    assert bounces.may_be(["MAILER-DAEMON@mx.test"], [])
    assert bounces.may_be(["anybody@mx.test"], ["text/plain", "message/delivery-status"])
    assert not bounces.may_be(["ann@mx.test"], ["message/rfc822", "message/disposition-notification"])
    assert not bounces.may_be([], [])


@pytest.mark.parametrize(
    "mail",
    [
        report(RECIPIENT * 20_000),
        report("\n".join(f"Final-Recipient: rfc822; a{n}@b\nAction: failed\n" for n in range(50_000))),
        report("Action: (((((" * 100_000),
        report("Diagnostic-Code: smtp; " + "5." * 500_000),
        report("\n \n" * 300_000),
        report("a:\n " * 300_000),
        report(returned="Message-ID: " + "<" * 1_000_000),
        report(returned="Message-ID: x\n" * 80_000),
        (QMAIL[:60] + "<a@b>:\n" * 150_000).encode(),
        QMAIL.replace("<bob", "<" * 500_000).encode(),
        QMAIL.replace("192.0.2.1 does", "-- " * 300_000).encode(),
        GMAIL.replace("X-Failed-Recipients: ", "X-Failed-Recipients: " + "a@b " * 200_000).encode(),
        GMAIL.replace("Technical", "delivery " * 100_000).encode(),
        b"Content-Type: multipart/report; boundary=B\n\n" + b"--B\nContent-Type: message/delivery-status\n\nx: y\n" * 50_000,
    ],
)  # fmt: skip
def test_hostile_notifications_take_less_than_a_second(mail: bytes) -> None:
    begin = time.process_time()
    found = bounces.find(mail)
    assert time.process_time() - begin < 1
    assert found is None or len(found.recipients) <= 1_000
