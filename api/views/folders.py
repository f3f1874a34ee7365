"""G/folders: list, make, get, rename, move, delete."""

from collections.abc import Iterable

from rest_framework.request import Request
from rest_framework.response import Response

from api import folder_updates as updates
from api import objects
from api.errors import InvalidRequest, NotFound
from api.openapi import Answer
from api.pagination import LIMIT, PAGE_TOKEN
from api.parameters import boolean, text
from api.selection import SELECT, pick
from api.serializers.folders import folders
from api.views.contract import GrantView

_HIDDEN = boolean("include_hidden_folders", "Accepted: IMAP has no hidden folders, all are listed.")


class FolderList(GrantView):
    """Folders by name. They are few, so a page is cut from all of them; its token is the last name and id."""

    parameters = {
        "GET": (
            text("parent_id", "Only what is below this folder."),
            boolean("single_level", "Only one level: the top, or the children of parent_id."),
            _HIDDEN,
            SELECT,
            LIMIT,
            PAGE_TOKEN,
        ),
        "POST": (SELECT,),
    }
    answers = {"GET": Answer(objects.Folder, many=True), "POST": Answer(objects.Folder)}
    takes = {"POST": objects.NewFolder}

    def get(self, _request: Request, **_path: str) -> Response:
        """List folders by name."""
        single = self.query.get("single_level", False)
        listed = _below(folders(self.account), self.query.get("parent_id"), single=single)
        limit, start = self.query.get("limit", 50), 0
        if token := self.query.get("page_token"):
            start = _after(listed, token)
        more = len(listed) > start + limit
        page = listed[start : start + limit]
        return self.success(pick(self.query, page, "folder"), next_cursor=page[-1]["id"] if more else None)

    def post(self, request: Request, **_path: str) -> Response:
        """Make a folder: here at once, on its server shortly after.

        A name that holds the mailbox's delimiter is a whole path, as folders are listed."""
        made = updates.make_folder(self.account, self.body(request))
        return self.success(pick(self.query, [_found(self, str(made))], "folder")[0])


class FolderItem(GrantView):
    """One folder."""

    parameters = {"GET": (_HIDDEN, SELECT), "PUT": (_HIDDEN, SELECT), "DELETE": (_HIDDEN,)}
    answers = {"GET": Answer(objects.Folder), "PUT": Answer(objects.Folder), "DELETE": Answer()}
    takes = {"PUT": objects.FolderUpdate}

    def get(self, _request: Request, folder: str, **_path: str) -> Response:
        """Get a folder."""
        return self.success(pick(self.query, [_found(self, folder)], "folder")[0])

    def put(self, request: Request, folder: str, **_path: str) -> Response:
        """Rename a folder or move it below another: here at once, on its server shortly after. What is below it
        follows."""
        updates.change_folder(self.account, folder, self.body(request))
        return self.success(pick(self.query, [_found(self, folder)], "folder")[0])

    def delete(self, _request: Request, folder: str, **_path: str) -> Response:
        """Delete a folder and the mail in it: here at once, on its server shortly after."""
        updates.delete_folder(self.account, folder)
        return self.deleted()


def _found(view: GrantView, folder: str) -> objects.Folder:
    found = next((one for one in folders(view.account) if one["id"] == folder.lower()), None)
    if found is None:
        raise NotFound("The folder")
    return found


def _below(every: list[objects.Folder], parent: str | None, *, single: bool) -> list[objects.Folder]:
    if single:
        return [one for one in every if one["parent_id"] == parent]
    if parent is None:
        return every
    kept = _descendants(every, parent)
    return [one for one in every if one["id"] in kept]


def _descendants(every: Iterable[objects.Folder], parent: str) -> set[str]:
    """By name a parent comes before its children, whatever the delimiter: its name is the beginning of theirs."""
    found: set[str] = set()
    for one in every:
        if one["parent_id"] == parent or one["parent_id"] in found:
            found.add(one["id"])
    return found


def _after(listed: list[objects.Folder], token: str) -> int:
    for at, one in enumerate(listed):
        if one["id"] == token:
            return at + 1
    raise InvalidRequest("The page_token is not one that this API gave, or its folder is gone: start again without it.")
