import django.contrib.postgres.indexes
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    """The column takes a moment, the index holds no row yet."""

    atomic = False

    dependencies = [
        ('mail', '0012_lists'),
    ]

    operations = [
        migrations.AddField(
            model_name='message',
            name='metadata',
            field=models.JSONField(blank=True, help_text='Pairs that applications keep with it.', null=True),
        ),
        AddIndexConcurrently(
            model_name='message',
            index=django.contrib.postgres.indexes.GinIndex(condition=models.Q(('metadata__isnull', False)), fields=['account', 'metadata'], name='message_metadata', opclasses=['uuid_ops', 'jsonb_path_ops']),
        ),
    ]
