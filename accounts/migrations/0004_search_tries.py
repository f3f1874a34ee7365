from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0003_deaths'),
    ]

    operations = [
        migrations.AddField(
            model_name='account',
            name='search_tries',
            field=models.PositiveSmallIntegerField(default=0, help_text='Tries of the index to get beyond search_seq that died of it, or run.'),
        ),
        migrations.AddField(
            model_name='account',
            name='search_tried_at',
            field=models.DateTimeField(blank=True, help_text='The last of them.', null=True),
        ),
    ]
