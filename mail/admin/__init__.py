"""The operators' pages: every mailbox, what it is doing and why. Read-mostly; wishes go through mail.intent."""

from django.contrib import admin

from mail.admin import accounts, actions, folders, log, messages, outgoing, schedule, threads

__all__ = ["accounts", "actions", "folders", "log", "messages", "outgoing", "schedule", "threads"]

admin.site.index_template = "mail/admin/dashboard.html"
admin.site.index_title = "Overview"
