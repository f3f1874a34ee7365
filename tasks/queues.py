"""How much more the workers' queues take.

The claim on which a task rests lapses if no worker takes the task in time, and the next tick hands out another. Where
workers fall behind, or are away, a queue without a bound fills with void tasks, and by the time they are through with
these the others are void, too: nothing is done any more.
"""

from celery import current_app

# What workers are through with before a claim on it lapses (mail.lease.CLAIM, mail.store.OFFER).
MOST = {"sync": 2000, "action": 500, "outbound": 200}


def room(queue: str) -> int:
    """How many tasks may be put into it now."""
    with current_app.connection_or_acquire() as connection:
        try:
            waiting = connection.default_channel.queue_declare(queue, passive=True).message_count
        except connection.channel_errors:  # Redis has no empty lists
            waiting = 0
    return max(0, MOST[queue] - int(waiting))
