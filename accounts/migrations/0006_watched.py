from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    """Without locking out writers."""

    atomic = False

    dependencies = [
        ('accounts', '0005_watching'),
    ]

    operations = [
        AddIndexConcurrently(
            model_name='account',
            index=models.Index(condition=models.Q(('removed_at', None)), fields=['watcher', 'state'], name='account_watched'),
        ),
    ]
