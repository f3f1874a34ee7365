"""Full-text search: an index filled behind the sync from the change log, and the query language over it."""

from mail.search.indexing import index_account, index_pending, lag
from mail.search.query import SearchError, matching

__all__ = ["SearchError", "index_account", "index_pending", "lag", "matching"]
