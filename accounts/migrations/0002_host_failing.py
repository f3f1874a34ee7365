import django.contrib.postgres.fields
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0001_initial'),
    ]

    operations = [
        migrations.AddField(
            model_name='host',
            name='failing',
            field=django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=32), blank=True, default=list, help_text='IMAP extensions that it offers and fails at: not used for the time being.', size=None),
        ),
        migrations.AddField(
            model_name='host',
            name='failing_until',
            field=models.DateTimeField(blank=True, help_text='Then they are tried again.', null=True),
        ),
    ]
