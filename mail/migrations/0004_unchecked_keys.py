import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    """Dropping the checks takes a moment; taken back, PostgreSQL reads both tables to check all rows."""

    dependencies = [
        ('mail', '0003_bodies'),
    ]

    operations = [
        migrations.AlterField(
            model_name='location',
            name='message',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='locations', to='mail.message'),
        ),
        migrations.AlterField(
            model_name='message',
            name='thread',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='messages', to='mail.thread'),
        ),
    ]
