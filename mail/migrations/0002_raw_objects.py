import django.db.models.expressions
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('mail', '0001_initial'),
    ]

    operations = [
        migrations.AddField(
            model_name='frame',
            name='at',
            field=models.BigIntegerField(help_text='Octets of the object before it.', null=True),
        ),
        migrations.AddField(
            model_name='frame',
            name='size',
            field=models.IntegerField(help_text='Octets of it in the object.', null=True),
        ),
        migrations.AddField(
            model_name='message',
            name='lost_at',
            field=models.DateTimeField(blank=True, help_text='Its contents were found lost or damaged; they are fetched again.', null=True),
        ),
        migrations.AddField(
            model_name='pack',
            name='store',
            field=models.TextField(blank=True, db_default='', help_text='Address of the store whose object has its frames; empty: their rows do.'),
        ),
        migrations.AlterField(
            model_name='frame',
            name='data',
            field=models.BinaryField(help_text='zstd; NULL: in the object.', null=True),
        ),
        migrations.AddIndex(
            model_name='message',
            index=models.Index(condition=models.Q(('lost_at__isnull', False)), fields=['account'], name='message_lost'),
        ),
        migrations.AddIndex(
            model_name='pack',
            index=models.Index(condition=models.Q(('wasted__gt', django.db.models.expressions.CombinedExpression(models.F('octets'), '/', models.Value(2)))), fields=['account'], name='pack_wasteful'),
        ),
        migrations.AddIndex(
            model_name='pack',
            index=models.Index(condition=models.Q(('octets__lt', 65536)), fields=['account', 'created_at'], name='pack_small'),
        ),
    ]
