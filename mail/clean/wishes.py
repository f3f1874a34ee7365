"""What is to be left out of a message, and how the rest is written."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Wishes:
    """The contract's options and defaults. All but `remove_conclusion_phrases` concern bodies of HTML."""

    ignore_links: bool = True  # their text stays
    ignore_images: bool = True
    ignore_tables: bool = True  # a row becomes a line
    images_as_markdown: bool = True
    html_as_markdown: bool = False
    remove_conclusion_phrases: bool = True
