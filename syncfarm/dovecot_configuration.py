"""Writes the configuration of the Dovecot that syncfarm.dovecot runs: rootless, two ports, a password file per user."""

import grp
import os
import pwd
from pathlib import Path

_TEMPLATE = """\
base_dir = {sockets}
state_dir = {directory}/state
log_path = {directory}/log
default_internal_user = {user}
default_internal_group = {group}
default_login_user = {user}
protocols = imap
listen = 127.0.0.1
ssl = yes
ssl_cert = <{directory}/cert.pem
ssl_key = <{directory}/key.pem
disable_plaintext_auth = no
auth_mechanisms = plain login
auth_failure_delay = 0
auth_cache_size = 0
mail_location = {mail_location}
mail_max_userip_connections = 1000
mail_fsync = never
passdb {{
  driver = passwd-file
  args = scheme=PLAIN username_format=%u {directory}/users/%u
}}
userdb {{
  driver = passwd-file
  args = username_format=%u {directory}/users/%u
  default_fields = uid={uid} gid={gid} home={directory}/mail/%u
}}
first_valid_uid = {uid}
first_valid_gid = {gid}
namespace inbox {{
  inbox = yes
  mailbox Drafts {{
    special_use = \\Drafts
  }}
  mailbox Sent {{
    special_use = \\Sent
  }}
  mailbox Trash {{
    special_use = \\Trash
  }}
  mailbox Junk {{
    special_use = \\Junk
  }}
  mailbox Archive {{
    special_use = \\Archive
  }}
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = {tls_port}
    ssl = yes
  }}
}}
service anvil {{
  chroot =
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service stats {{
  chroot =
}}
"""


def configuration(directory: Path, sockets: Path, mail_location: str, ports: tuple[int, int]) -> str:
    """The whole file for a server under `directory`, run by whoever runs this process; `ports`: without TLS, with."""
    if os.geteuid():
        uid, gid = os.geteuid(), os.getegid()
        user, group = pwd.getpwuid(uid).pw_name, grp.getgrgid(gid).gr_name
    else:
        user, group, uid, gid = "nobody", "nogroup", 65534, 65534
    return _TEMPLATE.format(
        directory=directory, sockets=sockets, mail_location=mail_location, port=ports[0], tls_port=ports[1],
        user=user, group=group, uid=uid, gid=gid,
    )  # fmt: skip
