"""Making the mirror true again where an audit found it wrong: folders that differ are copied anew, ids stay."""

from collections.abc import Sequence
from datetime import timedelta

from accounts.models import Account
from mail import lease, raw, store
from mail.audit import Difference
from mail.mirror import sync_account


def repair(account: Account, found: Sequence[Difference]) -> None:
    """Raises LeaseLost if a worker syncs the account right now; transient errors stay on the account."""
    wrong = {difference.folder_id for difference in found if difference.folder_id}
    token = lease.claim(account.id)
    raw.lose({difference.message for difference in found if difference.message})
    with store.writing(account.id, token) as batch:
        for folder in store.local_folders(account.id):
            if folder.id in wrong:
                store.restart_folder(batch, folder)
    while sync_account(account.id, token, thorough=True, budget=timedelta(minutes=5)).more:
        token = lease.claim(account.id)
