from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0007_marks'),
    ]

    operations = [
        migrations.AddField(
            model_name='account',
            name='emptied_at',
            field=models.DateTimeField(blank=True, help_text='The data is deleted; only its change log is there, until it has expired.', null=True),
        ),
    ]
