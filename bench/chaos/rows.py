"""Rows that must not be in a farm's database once it is idle. Most tables have no foreign keys that would see to it."""

# In words -> query; {} takes a row.
ROWS = {
    "a lease has lapsed and nobody took the account up: {}": """
        SELECT email, lease_expires_at::text FROM accounts_account WHERE lease_expires_at < now()""",
    "an account is not live: {}": "SELECT email, state, reason FROM accounts_account WHERE state <> 'live'",
    "a host is still said to be down: {}": """
        SELECT name, failures, retry_at::text FROM accounts_host WHERE failures > 0""",
    "a host is said to fail at what it does well: {}": """
        SELECT name, failing::text, failing_until::text FROM accounts_host WHERE failing <> '{}'""",
    "a folder is not live: {}": """
        SELECT a.email, f.name, f.state, f.error, f.next_try_at::text FROM mail_folder f
        JOIN accounts_account a ON a.id = f.account_id WHERE f.state <> 'live' AND f.selectable""",
    "a change has not reached the server: {}": """
        SELECT a.email, c.number, c.tries, c.next_try_at::text, c.error FROM mail_action c
        JOIN accounts_account a ON a.id = c.account_id WHERE c.state = 'pending'""",
    "a message of the server is not here: {}": """
        SELECT a.email, f.name, g.uid, g.attempts, g.next_try_at::text, g.reason FROM mail_gap g
        JOIN mail_folder f ON f.id = g.folder_id JOIN accounts_account a ON a.id = f.account_id""",
    "the change log has a hole: {}": """
        SELECT a.email, a.log_floor, a.log_seq, count(t.seq), min(t.seq), max(t.seq)
        FROM accounts_account a LEFT JOIN mail_transaction t ON t.account_id = a.id GROUP BY a.id
        HAVING count(t.seq) <> a.log_seq - a.log_floor OR max(t.seq) <> a.log_seq OR min(t.seq) <> a.log_floor + 1""",
    "a message has no place: {}": """
        SELECT m.id::text, m.subject, m.orphaned_at::text FROM mail_message m
        WHERE NOT EXISTS (SELECT 1 FROM mail_location l WHERE l.message_id = m.id) AND NOT EXISTS (
            SELECT 1 FROM mail_action c WHERE c.message_id = m.id AND c.kind = 'append' AND c.state = 'failed')""",
    "a message is hidden though nothing is to be deleted: {}": """
        SELECT m.id::text, m.subject FROM mail_message m WHERE m.hidden""",
    "a message waits to be deleted though it has a place: {}": """
        SELECT m.id::text, m.subject FROM mail_message m WHERE m.orphaned_at IS NOT NULL
            AND EXISTS (SELECT 1 FROM mail_location l WHERE l.message_id = m.id)""",
    "a place is no folder's, no message's, or another account's: {}": """
        SELECT l.folder_id::text, l.uidvalidity, l.uid, f.account_id::text, m.account_id::text
        FROM mail_location l LEFT JOIN mail_folder f ON f.id = l.folder_id
        LEFT JOIN mail_message m ON m.id = l.message_id
        WHERE m.account_id IS DISTINCT FROM f.account_id OR f.id IS NULL""",
    "a place is of another UIDVALIDITY than its folder: {}": """
        SELECT f.name, l.uidvalidity, l.uid, f.uidvalidity FROM mail_location l JOIN mail_folder f ON f.id = l.folder_id
        WHERE l.uidvalidity IS DISTINCT FROM f.uidvalidity""",
    "a message's folders are not those of its places: {}": """
        SELECT m.id::text, m.subject FROM mail_message m WHERE m.folder_ids <> (
            SELECT array_agg(DISTINCT l.folder_id) FROM mail_location l WHERE l.message_id = m.id)""",
    "a thread has no messages or counts them wrongly: {}": """
        SELECT t.id::text, t.message_count, count(m.id) FROM mail_thread t
        LEFT JOIN mail_message m ON m.thread_id = t.id
        GROUP BY t.id HAVING count(m.id) <> t.message_count OR count(m.id) = 0""",
    "a message or link has no thread: {}": """
        SELECT kind, id FROM (SELECT 'message' AS kind, id::text, thread_id FROM mail_message
            UNION ALL SELECT 'link', encode(digest, 'hex'), thread_id FROM mail_threadlink) x
        WHERE NOT EXISTS (SELECT 1 FROM mail_thread t WHERE t.id = x.thread_id)""",
    "a message's words are not indexed, or none's are: {}": """
        SELECT m.id::text, s.message_id::text FROM mail_message m
        FULL JOIN mail_searchdocument s ON s.message_id = m.id WHERE m.id IS NULL OR s.message_id IS NULL""",
    "a message's body is not made, or none's is: {}": """
        SELECT m.id::text, b.message_id::text FROM mail_message m
        FULL JOIN mail_body b ON b.message_id = m.id WHERE m.id IS NULL OR b.message_id IS NULL""",
    "a message's contents are lost: {}": """
        SELECT m.id::text, m.subject, m.pack_id::text FROM mail_message m
        WHERE NOT EXISTS (SELECT 1 FROM mail_pack p WHERE p.id = m.pack_id AND p.account_id = m.account_id)""",
    "a pack is nobody's, or counts wrongly what is needed of it: {}": """
        SELECT p.id::text, p.octets, p.wasted, sum(m.raw_size) FROM mail_pack p
        LEFT JOIN mail_message m ON m.pack_id = p.id GROUP BY p.id
        HAVING count(m.id) = 0 OR p.octets - p.wasted <> sum(m.raw_size)""",
    "a frame is no pack's: {}": """
        SELECT f.pack_id::text, f.start FROM mail_frame f
        WHERE NOT EXISTS (SELECT 1 FROM mail_pack p WHERE p.id = f.pack_id)""",
}
