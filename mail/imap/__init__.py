"""IMAP: bytes on the wire to the facts of mail.types. The only importer of imapclient."""
