from django.db import migrations, models


class Migration(migrations.Migration):
    """The column takes a moment, the index is made beside the farm's work and holds no row yet. One that was interrupted
    leaves an invalid index: drop it, then migrate again."""

    atomic = False

    dependencies = [
        ('mail', '0015_thread_spans'),
    ]

    operations = [
        migrations.AddField(
            model_name='message',
            name='alias',
            field=models.UUIDField(blank=True, editable=False, help_text="The id that its server's name for it makes, if made here.", null=True),
        ),
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.RunSQL(
                    'CREATE UNIQUE INDEX CONCURRENTLY message_alias_once ON mail_message (alias) WHERE alias IS NOT NULL',
                    'DROP INDEX CONCURRENTLY message_alias_once',
                ),
            ],
            state_operations=[
                migrations.AddConstraint(
                    model_name='message',
                    constraint=models.UniqueConstraint(condition=models.Q(('alias__isnull', False)), fields=('alias',), name='message_alias_once'),
                ),
            ],
        ),
    ]
