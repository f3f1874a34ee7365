"""7,000 real mails, where they are at hand: their licences keep them out of this repository.

Tests that want them say clearly when they run without.
"""

import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

ARCHIVE = Path(__file__).resolve().parents[2] / "shared" / "corpus" / "dev.tar.xz"

needs_corpus = pytest.mark.skipif(not ARCHIVE.exists(), reason=f"the corpus of real mail is not at {ARCHIVE}")


def messages() -> Iterator[tuple[str, bytes]]:
    """(path within the corpus, bytes) of every mail."""
    with tarfile.open(ARCHIVE) as archive:
        for member in archive:
            name = member.name.removeprefix("./")
            if member.isfile() and "_ics/" not in name and not name.endswith(("MANIFEST.tsv", "SOURCES.md")):
                file = archive.extractfile(member)
                assert file is not None
                yield name, file.read()
