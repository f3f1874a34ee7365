"""The chaos driver: a farm that mirrors mailboxes while they change, its processes die and its network fails."""
