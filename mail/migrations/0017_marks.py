from django.db import migrations, models


class Migration(migrations.Migration):
    """A default that is constant touches no row. Processes of the version before write rows without a mark, which a feed
    of many accounts (mail.rounds) would pass over: end them before one is read."""

    dependencies = [
        ('accounts', '0007_marks'),
        ('mail', '0016_aliases'),
    ]

    operations = [
        migrations.AddField(
            model_name='transaction',
            name='mark',
            field=models.BigIntegerField(db_default=0),
        ),
        migrations.CreateModel(
            name='MarkOffset',
            fields=[
                ('id', models.BooleanField(default=True, primary_key=True, serialize=False)),
                ('value', models.BigIntegerField(default=0)),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(('id', True)), name='mark_offset_once')],
            },
        ),
    ]
