from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0006_watched'),
    ]

    operations = [
        migrations.AddField(
            model_name='account',
            name='log_floor_mark',
            field=models.BigIntegerField(db_default=0),
        ),
        migrations.AddField(
            model_name='account',
            name='log_mark',
            field=models.BigIntegerField(db_default=0),
        ),
        migrations.AddIndex(
            model_name='account',
            index=models.Index(fields=['application', 'log_mark'], name='account_changed'),
        ),
    ]
