"""Services that a farm brings along where the operator names none: PostgreSQL and Valkey, from wheels."""


class ServiceFailed(Exception):
    """An embedded service does not start; the text says why, in one line, and the cure where there is one."""
