"""What a folder is for: by its special-use attribute (RFC 6154, Gmail's XLIST), else by its name in many languages."""

import functools
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

_BY_ATTRIBUTE = {
    "\\inbox": "inbox",
    "\\all": "all",
    "\\allmail": "all",
    "\\archive": "archive",
    "\\drafts": "drafts",
    "\\flagged": "flagged",
    "\\starred": "flagged",
    "\\junk": "junk",
    "\\spam": "junk",
    "\\sent": "sent",
    "\\trash": "trash",
}

# What mail programs and providers call their folders. Where two names are present the earlier one has the role.
_NAMES = {
    "sent": """
        Sent, Sent Mail, Sent Items, Sent Messages, Sent-Mail, SentMail, Gesendet, Gesendete Elemente,
        Gesendete Objekte, Gesendete Nachrichten, Envoyés, Éléments envoyés, Messages envoyés, Envoyes, Enviados,
        Elementos enviados, Mensajes enviados, Correo enviado, Itens enviados, Mensagens enviadas, Inviati,
        Posta inviata, Elementi inviati, Inviata, Verzonden, Verzonden items, Verzonden berichten, Wysłane,
        Elementy wysłane, Odeslané, Odeslaná pošta, Odoslané, Odoslaná pošta, Skickat, Skickade, Skickade objekt,
        Sendt, Sendte, Sendt post, Sendte elementer, Lähetetyt, Отправленные, Отправленная почта, Надіслані,
        Gönderilmiş Öğeler, Gönderilenler, Gönderilmiş, Elküldött, Elküldött elemek, Trimise, Elemente trimise,
        Απεσταλμένα, Изпратени, Poslano, 送信済み, 送信済みアイテム, 送信済みメール, 已发送, 已发送邮件, 已傳送,
        寄件備份, 보낸 편지함, 보낸메일함, נשלח, דואר שנשלח, פריטים שנשלחו, المرسلة, البريد المرسل, Đã gửi,
        Terkirim, ส่งแล้ว
    """,
    "drafts": """
        Drafts, Draft, Entwürfe, Entwurf, Brouillons, Brouillon, Borradores, Borrador, Rascunhos, Rascunho, Bozze,
        Concepten, Kopie robocze, Szkice, Wersje robocze, Koncepty, Rozepsané, Utkast, Kladder, Kladde,
        Luonnokset, Черновики, Чернетки, Taslaklar, Piszkozatok, Vázlatok, Ciorne, Πρόχειρα, Чернови, Osnutki,
        下書き, 草稿, 草稿箱, 草稿匣, 임시보관함, 임시 보관함, טיוטות, المسودات, مسودات, Thư nháp, Draf, ร่าง
    """,
    "trash": """
        Trash, Deleted Items, Deleted Messages, Deleted, Bin, Rubbish, Papierkorb, Gelöschte Elemente,
        Gelöschte Objekte, Gelöscht, Gelöschte Nachrichten, Corbeille, Éléments supprimés, Messages supprimés,
        Papelera, Elementos eliminados, Papelera de reciclaje, Lixeira, Lixo, Itens excluídos, Itens eliminados,
        Cestino, Posta eliminata, Elementi eliminati, Prullenbak, Prullenmand, Verwijderde items, Kosz,
        Elementy usunięte, Koš, Kôš, Odstraněná pošta, Odstránená pošta, Papperskorgen, Papperskorg,
        Borttagna objekt, Papirkurv, Papirkurven, Slettet post, Slettede elementer, Søppel, Roskakori, Poistetut,
        Корзина, Удаленные, Удалённые, Кошик, Видалені, Çöp Kutusu, Silinmiş Öğeler, Çöp, Kuka, Lomtár,
        Törölt elemek, Coș de gunoi, Gunoi, Elemente șterse, Κάδος απορριμμάτων, Κάδος, Διαγραμμένα, Кошче, Smeti,
        ゴミ箱, ごみ箱, 削除済みアイテム, 已删除, 已删除邮件, 废纸篓, 垃圾桶, 刪除的郵件, 휴지통, 지운 편지함,
        אשפה, פריטים שנמחקו, المهملات, العناصر المحذوفة, Thùng rác, Sampah, ถังขยะ
    """,
    "junk": """
        Junk, Spam, Junk E-mail, Junk Email, Junk Mail, Bulk Mail, Bulk, Spamverdacht, Unerwünscht, Junk-E-Mail,
        Indésirables, Courrier indésirable, Pourriel, Correo no deseado, No deseado, Correo basura,
        Lixo eletrônico, Lixo Eletrónico, Lixo electrónico, Posta indesiderata, Ongewenste e-mail, Ongewenst,
        Wiadomości-śmieci, Niechciane, Nevyžádaná pošta, Nevyžiadaná pošta, Skräppost, Uønsket, Uønsket e-post,
        Uønsket post, Søppelpost, Roskaposti, Спам, Нежелательная почта, Небажана пошта, İstenmeyen Posta,
        Önemsiz, Gereksiz, Levélszemét, Mesaje nedorite, Ανεπιθύμητα, Нежелана поща, Vsiljena pošta, 迷惑メール,
        スパム, 垃圾邮件, 垃圾郵件, 广告邮件, 스팸, 스팸메일함, 정크 메일, דואר זבל, ספאם, البريد غير الهام,
        البريد العشوائي, Thư rác, สแปม
    """,
    "archive": """
        Archive, Archives, Archiv, Archivio, Archivo, Arquivo, Archief, Archiwum, Archív, Arkiv, Arkisto, Архив,
        Архів, Arşiv, Archívum, Arhivă, Αρχειοθήκη, アーカイブ, 归档, 存档, 封存, 보관함, ארכיון, الأرشيف,
        Lưu trữ, Arsip
    """,
}


@dataclass(frozen=True)
class Candidate:
    """A folder as far as its role depends on it. Without slots, for it keeps what is found out about it."""

    name: str
    delimiter: str
    attributes: frozenset[str]
    selectable: bool

    @functools.cached_property
    def stated(self) -> str:
        """The role that its attributes state, or ""."""
        if self.name == "INBOX":
            return "inbox"
        stated = (_BY_ATTRIBUTE.get(attribute.lower(), "") for attribute in sorted(self.attributes))
        return next((role for role in stated if role), "")

    @functools.cached_property
    def rank(self) -> tuple[int, str]:
        """(place in the table, role) of its name; role "" where it has none."""
        path = self.name.split(self.delimiter) if self.delimiter else [self.name]
        if len(path) == 2 and path[0].casefold() == "inbox":
            path = path[1:]
        return _KNOWN.get(_folded(path[0]), (0, "")) if len(path) == 1 else (0, "")


def assign(folders: Sequence[Candidate]) -> list[str]:
    """The role of each folder or "", in the same order.

    Attributes decide; a name counts only at the top level or right below INBOX, only for roles nobody has by
    attribute, and for one folder each.
    """
    roles = [folder.stated for folder in folders]
    taken = set(roles)
    ranked = sorted((folder.rank, at) for at, folder in enumerate(folders) if folder.selectable and not roles[at])
    for (_, role), at in ranked:
        if role and role not in taken:
            roles[at] = role
            taken.add(role)
    return roles


def _folded(name: str) -> str:
    return unicodedata.normalize("NFKC", name).casefold().strip()


_KNOWN = {_folded(name): (place, role) for role, known in _NAMES.items() for place, name in enumerate(known.split(","))}
