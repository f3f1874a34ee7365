import uuid
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0004_search_tries'),
    ]

    operations = [
        migrations.CreateModel(
            name='Watcher',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('accounts', models.PositiveIntegerField(default=0, help_text='How many it holds: others take their share by it.')),
                ('expires_at', models.DateTimeField(help_text="Its accounts are anybody's after this.")),
            ],
        ),
        migrations.AddField(
            model_name='account',
            name='live_since',
            field=models.DateTimeField(blank=True, help_text='Its server tells of changes since then.', null=True),
        ),
        migrations.AddField(
            model_name='account',
            name='watch_mode',
            field=models.CharField(choices=[('polling', 'Polling'), ('idle', 'Idle'), ('notify', 'Notify')], default='polling', max_length=8),
        ),
        migrations.AddField(
            model_name='account',
            name='watch_note',
            field=models.TextField(blank=True, default='', help_text='Why it is polled, in words for its owner.'),
        ),
        migrations.AddField(
            model_name='account',
            name='watcher',
            field=models.UUIDField(blank=True, help_text='The Watcher that holds it, while that is alive.', null=True),
        ),
    ]
