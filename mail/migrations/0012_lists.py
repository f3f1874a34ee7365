import django.contrib.postgres.indexes
from django.contrib.postgres.operations import AddIndexConcurrently, TrigramExtension
from django.db import migrations, models


class Migration(migrations.Migration):
    """Made beside the farm's work, one after the other. One that was interrupted leaves an invalid index: drop it, then
    migrate again."""

    atomic = False

    dependencies = [
        ('mail', '0011_folder_changes'),
    ]

    operations = [
        *(
            AddIndexConcurrently(
                model_name='thread',
                index=models.Index(condition=models.Q((column, True)), fields=['account', '-latest_at', '-id'], name=name),
            )
            for name, column in (('thread_unread', 'unread'), ('thread_starred', 'starred'), ('thread_attachments', 'has_attachments'))
        ),
        TrigramExtension(),  # a trusted extension, the owner may create it
        AddIndexConcurrently(
            model_name='message',
            index=models.Index(condition=models.Q(('has_attachments', True)), fields=['account', '-received_at', '-id'], name='message_attachments'),
        ),
        AddIndexConcurrently(
            model_name='message',
            index=django.contrib.postgres.indexes.GinIndex(condition=models.Q(('unread', True)), fields=['folder_ids'], name='message_unread_in'),
        ),
        AddIndexConcurrently(
            model_name='message',
            index=django.contrib.postgres.indexes.GinIndex(condition=models.Q(('starred', True)), fields=['folder_ids'], name='message_starred_in'),
        ),
        AddIndexConcurrently(
            model_name='message',
            index=django.contrib.postgres.indexes.GinIndex(fields=['account', 'subject'], name='message_subject', gin_pending_list_limit=32768, opclasses=['uuid_ops', 'gin_trgm_ops']),
        ),
    ]
