from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    """Without locking out writers."""

    atomic = False

    dependencies = [
        ('mail', '0008_outgoing'),
    ]

    operations = [
        RemoveIndexConcurrently(
            model_name='action',
            name='action_of_message',
        ),
        AddIndexConcurrently(
            model_name='action',
            index=models.Index(condition=models.Q(('state__in', ['pending', 'failed'])), fields=['message'], name='action_of_message'),
        ),
        AddIndexConcurrently(
            model_name='message',
            index=models.Index(condition=models.Q(('draft', True)), fields=['account', '-received_at', '-id'], name='message_drafts'),
        ),
    ]
