from django.db import migrations, models

# As large a row as a page takes: mail.raw.packing.PART fits.
_WHOLE_PAGES = "ALTER TABLE mail_frame SET (toast_tuple_target = 8160)"
_AS_BEFORE = "ALTER TABLE mail_frame RESET (toast_tuple_target)"
_JOIN = """
UPDATE mail_frame f SET data = whole.data FROM (
    SELECT pack_id, start - part AS start, string_agg(data, ''::bytea ORDER BY part) AS data
    FROM mail_frame WHERE data IS NOT NULL GROUP BY 1, 2 HAVING count(*) > 1
) whole WHERE f.pack_id = whole.pack_id AND f.start = whole.start
"""
_DROP_PARTS = "DELETE FROM mail_frame WHERE part > 0"


class Migration(migrations.Migration):
    """Rows that are there stay as they are. Taken back, parts are joined."""

    dependencies = [
        ('mail', '0004_unchecked_keys'),
    ]

    operations = [
        migrations.AddField(
            model_name='frame',
            name='part',
            field=models.SmallIntegerField(db_default=0, default=0, help_text="Number of this row of those that hold the frame's data."),
        ),
        migrations.AlterField(
            model_name='frame',
            name='start',
            field=models.BigIntegerField(help_text='Octets of contents before it, and its part.'),
        ),
        migrations.RunSQL(_WHOLE_PAGES, [_AS_BEFORE, _JOIN, _DROP_PARTS]),
    ]
