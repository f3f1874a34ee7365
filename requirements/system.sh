#!/bin/sh
# Sees to system programs that tests and benchmarks use: installs what is missing through apt where that is allowed,
# else says in one line what to install. Arguments: dovecot, chromium, mbsync, offlineimap.
set -eu

PATH=$PATH:/usr/sbin:/usr/local/sbin
missing=

for program in "$@"; do
    case $program in
        dovecot) command -v dovecot >/dev/null || missing="$missing dovecot-imapd" ;;
        mbsync) command -v mbsync >/dev/null || missing="$missing isync" ;;
        offlineimap) command -v offlineimap >/dev/null || missing="$missing offlineimap3" ;;
        chromium) command -v chromium >/dev/null || missing="$missing chromium libatomic1" ;;
    esac
done
[ -n "$missing" ] || exit 0

as_root=
if [ "$(id -u)" != 0 ]; then
    as_root="sudo -n"
    sudo -n true 2>/dev/null || as_root=no
fi
if ! command -v apt-get >/dev/null || [ "$as_root" = no ]; then
    echo "Please install:$missing (on Debian and Ubuntu: apt-get install$missing), then try again." >&2
    exit 1
fi

echo "Installing$missing …"
# shellcheck disable=SC2086 # words are meant
{
    $as_root apt-get update -qq &&
        $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing
} >/dev/null || { echo "apt-get could not install$missing; please install by hand, then try again." >&2; exit 1; }
# The tests run a Dovecot of their own; the packaged service would only open ports.
case $missing in *dovecot*) $as_root systemctl disable --now dovecot.service dovecot.socket >/dev/null 2>&1 || true ;; esac
