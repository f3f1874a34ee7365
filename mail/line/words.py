"""What goes wrong on the line, and what a server says, in words for the mailbox's owner."""

import ssl

from accounts.network import HostError

MAX_TEXT = 500  # characters of what a server says in words


def readable(octets: bytes) -> str:
    """What a server says in words, cut to MAX_TEXT characters, without what a database or a terminal would not take."""
    text = octets[: 4 * MAX_TEXT].decode("utf-8", "replace").strip()[:MAX_TEXT]
    return "".join(sign if sign.isprintable() else "\ufffd" for sign in text)


def of_socket(error: OSError, where: str, host: str, timeout: float) -> str:
    """What sockets and TLS raise. `where`: host and port; `timeout`: seconds of a read."""
    if isinstance(error, HostError):
        return str(error)
    if isinstance(error, ssl.SSLCertVerificationError):
        return (
            f"The certificate of {where} is not trusted: {error.verify_message.rstrip('.')}. Check the host's name. The"
            f" server needs a certificate for it from a public authority, or the operator adds {host} to"
            f" SYNCFARM_TRUSTED_HOSTS."
        )
    if isinstance(error, TimeoutError):
        return f"{where}: no answer within {timeout:g} seconds."
    if isinstance(error, ssl.SSLEOFError):
        return f"{where} dropped the connection."
    if isinstance(error, ssl.SSLError):
        return f"{where}: TLS failed ({error.reason or error}). Check the port, or choose STARTTLS or TLS."
    return f"{where} dropped the connection ({error.strerror or error})."
