"""What removing from a tree of HTML needs. A node that is decomposed must not be touched again, nor any below it:
lexbor has freed them."""

from collections.abc import Iterator, Sequence

from selectolax.lexbor import LexborNode

INLINE = frozenset({"a", "b", "i", "u", "em", "strong", "span", "code", "small", "time", "tt", "q", "cite", "abbr"})


def outermost(found: Sequence[LexborNode]) -> list[LexborNode]:
    """Those that are in none of the others, each once, in the order given."""
    among = {node.mem_id: node for node in found}
    return [node for node in among.values() if not any(above.mem_id in among for above in above_of(node))]


def above_of(node: LexborNode) -> Iterator[LexborNode]:
    """Its parent, and so on."""
    parent = node.parent
    while parent is not None:
        yield parent
        parent = parent.parent


def cut_from(node: LexborNode) -> None:
    """Remove a node and all that follows it in the body."""
    above = [each for each in above_of(node) if each.tag not in {"body", "html", "-undef", None}]
    for each in (node, *above):
        while each.next is not None:
            each.next.decompose()
    node.decompose()


def words(node: LexborNode) -> str:
    """What it says, on one line."""
    said = node.text_content if node.tag == "-text" else node.text(separator=" ")
    return " ".join((said or "").split())


def attribute(node: LexborNode, name: str) -> str:
    """In lower case, "" where it has none."""
    return ((node.attributes or {}).get(name) or "").lower()
