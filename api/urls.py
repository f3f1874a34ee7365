"""Routes under /v3. No trailing slashes; every path has an answer in the contract's format."""

from django.urls import URLPattern, path, re_path, register_converter

from api.views.actions import ActionItem, ActionList
from api.views.applications import ApplicationItem
from api.views.attachments import AttachmentDownload, AttachmentItem
from api.views.clean import CleanMessages
from api.views.connect import ConnectCustom, DetectProvider
from api.views.connectors import ConnectorItem, ConnectorList
from api.views.delta import CursorAt, Delta, FarmDelta, FarmLatestCursor, LatestCursor
from api.views.document import Document, DocumentPage
from api.views.drafts import DraftItem, DraftList
from api.views.folders import FolderItem, FolderList
from api.views.grants import GrantItem, GrantList
from api.views.messages import MessageItem, MessageList
from api.views.schedules import ScheduleItem, ScheduleList
from api.views.send import Send
from api.views.sends import SendingItem, SendingList
from api.views.streams import DeltaLongPoll, DeltaStream, FarmDeltaLongPoll, FarmDeltaStream
from api.views.sync import Sync
from api.views.threads import ThreadItem, ThreadList
from api.views.unbuilt import UnknownPath, routes


class Anything:
    """The rest of a path: a Message-ID may hold slashes and whatever else senders put there."""

    regex = r"[\s\S]+"

    def to_python(self, value: str) -> str:
        """As it is."""
        return value

    def to_url(self, value: str) -> str:
        """As it is."""
        return value


register_converter(Anything, "anything")

urlpatterns: list[URLPattern] = [
    path("openapi.json", Document.as_view(), name="openapi"),
    path("docs", DocumentPage.as_view()),
    path("applications", ApplicationItem.as_view()),
    path("connectors", ConnectorList.as_view()),
    path("connectors/<str:provider>", ConnectorItem.as_view()),
    path("connect/custom", ConnectCustom.as_view()),
    path("providers/detect", DetectProvider.as_view()),
    path("delta", FarmDelta.as_view()),
    path("delta/latest_cursor", FarmLatestCursor.as_view()),
    path("delta/longpoll", FarmDeltaLongPoll.as_view()),
    path("delta/streaming", FarmDeltaStream.as_view()),
    path("grants", GrantList.as_view()),
    *routes(),
    path("grants/<str:grant>", GrantItem.as_view()),
    path("grants/<str:grant>/folders", FolderList.as_view()),
    path("grants/<str:grant>/folders/<str:folder>", FolderItem.as_view()),
    path("grants/<str:grant>/threads", ThreadList.as_view()),
    path("grants/<str:grant>/threads/<str:thread>", ThreadItem.as_view()),
    path("grants/<str:grant>/drafts", DraftList.as_view()),
    path("grants/<str:grant>/drafts/<str:draft>", DraftItem.as_view()),
    path("grants/<str:grant>/messages/send", Send.as_view()),
    path("grants/<str:grant>/messages/schedules", ScheduleList.as_view()),
    path("grants/<str:grant>/messages/schedules/<str:item>", ScheduleItem.as_view()),
    path("grants/<str:grant>/messages", MessageList.as_view()),
    path("grants/<str:grant>/messages/clean", CleanMessages.as_view()),
    path("grants/<str:grant>/messages/<anything:message>", MessageItem.as_view()),
    path("grants/<str:grant>/attachments/<str:attachment>", AttachmentItem.as_view()),
    path("grants/<str:grant>/attachments/<str:attachment>/download", AttachmentDownload.as_view()),
    path("grants/<str:grant>/actions", ActionList.as_view()),
    path("grants/<str:grant>/actions/<str:action>", ActionItem.as_view()),
    path("grants/<str:grant>/delta", Delta.as_view()),
    path("grants/<str:grant>/delta/cursor", CursorAt.as_view()),
    path("grants/<str:grant>/delta/longpoll", DeltaLongPoll.as_view()),
    path("grants/<str:grant>/delta/streaming", DeltaStream.as_view()),
    path("grants/<str:grant>/delta/latest_cursor", LatestCursor.as_view()),
    path("grants/<str:grant>/sends", SendingList.as_view()),
    path("grants/<str:grant>/sends/<str:item>", SendingItem.as_view()),
    path("grants/<str:grant>/sync", Sync.as_view()),
    re_path(r"", UnknownPath.as_view()),
]
