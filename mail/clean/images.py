"""Pictures: those that only tell the sender that a mail was opened, and how a picture is written as Markdown."""

import re

from selectolax.lexbor import LexborNode

from mail.clean.nodes import attribute

LARGEST = 1  # pixels a side
HIDDEN = re.compile(
    r"display:\s*none|visibility:\s*hidden|opacity:\s*0(?:\.0+)?(?:;|$|\s)|(?:^|;)\s*max-(?:height|width):\s*0"
)
SIDE = re.compile(r"(?<![\w-])(width|height):\s*(\d+(?:\.\d+)?)(?:px|pt)?\s*(?:!important)?\s*(?=;|$)")
# Where services that send mail keep the picture that tells them of its being opened.
TRACKERS = re.compile(
    r"/wf/open\?|/track/open|/open\.aspx|/e2t/o/|/e3t/cto|/trk\.gif|/o\.gif|/open\.php\?u=|list-manage\.com/track|mailtrack\.io/trace|"
    r"mandrillapp\.com/track|sendgrid\.net/wf|pixel\.(?:gif|png)\?|/beacon|bl-1\.com|yesware\.com/t/|"
    r"mailstat\.us|/imp\?|cmail\d*\.com/t/|createsend\d*\.com/t/|awstrack\.me|doubleclick\.net|google-analytics\.com/collect|"
    r"mixmax\.com/api/track|streak\.com|superhuman\.com|hubspotemail\.net|/q/\w+~~/",
    re.IGNORECASE,
)


def remove(root: LexborNode) -> None:
    """Remove pictures that nobody sees."""
    for image in [image for image in root.css("img") if _is_unseen(image)]:
        image.decompose()


def write(root: LexborNode) -> None:
    """Put Markdown in the place of pictures."""
    for image in root.css("img"):
        given = image.attributes or {}
        alt = re.sub(r"[\[\]\s]+", " ", given.get("alt") or "").strip()
        source = re.sub(r"[\s()<>]+", "", given.get("src") or "")
        image.replace_with(f"![{alt}]({source})")


def _is_unseen(image: LexborNode) -> bool:
    style = attribute(image, "style")
    if HIDDEN.search(style) or "hidden" in (image.attributes or {}) or not attribute(image, "src"):
        return True
    sides = dict(SIDE.findall(style))
    for side in ("width", "height"):
        if side not in sides and (given := re.match(r"\s*(\d+(?:\.\d+)?)\s*(?:px)?\s*$", attribute(image, side))):
            sides[side] = given[1]
    tiny = [float(size) <= LARGEST for size in sides.values()]
    return (
        (len(tiny) == 2 and all(tiny))
        or 0.0 in map(float, sides.values())
        or bool(TRACKERS.search(attribute(image, "src")))
    )
