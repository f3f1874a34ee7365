import django.contrib.postgres.fields.ranges
import django.contrib.postgres.indexes
from django.contrib.postgres.operations import AddIndexConcurrently, BtreeGistExtension
from django.db import migrations, models


class Migration(migrations.Migration):
    """Made beside the farm's work. One that was interrupted leaves an invalid index: drop it, then migrate again."""

    atomic = False

    dependencies = [
        ('mail', '0014_bodies_as_json'),
    ]

    operations = [
        BtreeGistExtension(),  # a trusted extension, the owner may create it
        AddIndexConcurrently(
            model_name='thread',
            index=django.contrib.postgres.indexes.GistIndex(
                models.F('account'),
                models.Func(
                    models.F('earliest_at'),
                    models.F('latest_at'),
                    models.Value('[]'),
                    function='tstzrange',
                    output_field=django.contrib.postgres.fields.ranges.DateTimeRangeField(),
                ),
                condition=models.Q(('latest_at__gt', models.F('earliest_at'))),
                name='thread_spans',
            ),
        ),
    ]
