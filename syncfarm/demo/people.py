"""Who writes the sample mail, and about what."""

from email.headerregistry import Address

OWNER = Address("Dana Demo", "dana", "demo.example")
PEOPLE = (
    Address("Jürgen Groß", "juergen", "gross.example"),
    Address("Amélie Lefèvre", "amelie", "lefevre.example"),
    Address("山田 花子", "hanako", "yamada.example"),
    Address("Oluwaseun Adeyemi", "seun", "adeyemi.example"),
    Address("O'Neil, Patrick", "patrick", "oneil.example"),
    Address("Søren Ibsen", "soren", "ibsen.example"),
    Address("", "no-reply", "billing.example"),
)
TOPICS = (
    "Quarterly planning",
    "Besprechung am Dienstag – Räume?",
    "Compte rendu de la réunion",
    "来週の打ち合わせ",
    "Server room temperature",
    "Invoice 2024-117",
    "Holiday pictures 🏖",
    "Draft of the contract, please comment",
    "Zażółć gęślą jaźń",
    "Lunch?",
)
SENTENCES = (
    "Thanks for the quick answer.",
    "Could you have a look at the second page before Friday?",
    "Ich habe die Zahlen noch einmal geprüft, sie stimmen jetzt.",
    "Je vous envoie la version corrigée ci-jointe.",
    "添付ファイルをご確認ください。",
    "The numbers in column C do not add up yet.",
    "I moved the meeting to 14:30, same room.",
    "Let me know when the parcel has arrived.",
    "Nothing urgent, just so that you have it.",
    "Wir sehen uns am Montag.",
)
