"""`make demo`: a farm with a sample mailbox on a local IMAP server."""
