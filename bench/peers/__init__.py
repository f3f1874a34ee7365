"""What others take for the same mailbox: mbsync, offlineimap, and a socket that throws away what it hears."""
