"""The form of log lines: one event, one line, on standard output."""

import logging


class OneLine(logging.Formatter):
    """`12:34:56 INFO mail.mirror: text`; line ends inside an event, a traceback's too, are written as " | "."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s", "%H:%M:%S")

    def format(self, record: logging.LogRecord) -> str:
        """The record as one line."""
        return " | ".join(super().format(record).splitlines())
