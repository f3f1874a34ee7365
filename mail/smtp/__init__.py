"""Submits messages to a mail server over SMTP (RFC 6409): the only part that speaks it. Knows no models."""

from mail.smtp.submission import submit

__all__ = ["submit"]
