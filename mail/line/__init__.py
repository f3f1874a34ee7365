"""The line to a mail server, whichever protocol is spoken on it: how long it may take, and what is told of it."""
