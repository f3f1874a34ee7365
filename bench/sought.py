"""What mailboxes that are filled in bulk have in common and what is rare in them: lists are asked for it."""

BODY = 10_000  # characters of HTML of a body, about, in the median
RARE = 40  # messages with what is rare, in a mailbox of any size, all over it
OWNER, SELDOM, OFTEN = "dana@bench.example", "seldom@far.example", "often@near.example"
RARE_WORD, COMMON_WORD = "zebrafish", "planetary"
RARE_SUBJECT, COMMON_SUBJECT = "Quarterly zebrafish", "Newsletter"
