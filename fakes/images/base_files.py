"""What base images have: Debian's folders, accounts and groups."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from imagebuilders.oci.file_tree import File, Tree

_FOLDERS: Mapping[str, int] = {
    **dict.fromkeys(
        (
            *("bin", "boot", "dev", "etc", "home", "lib", "media", "mnt", "opt", "proc", "run"),
            *("sbin", "srv", "sys", "usr", "usr/bin", "usr/lib", "usr/local", "usr/local/bin"),
            *("usr/sbin", "usr/share", "var", "var/cache", "var/lib", "var/log"),
        ),
        0o755,
    ),
    "root": 0o700,
    "tmp": 0o1777,
    "var/tmp": 0o1777,
}

# Name, number, group, comment, home and shell, as in base-passwd.
_ACCOUNTS = """\
root:x:0:0:root:/root:/bin/sh
daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin
bin:x:2:2:bin:/bin:/usr/sbin/nologin
sys:x:3:3:sys:/dev:/usr/sbin/nologin
sync:x:4:65534:sync:/bin:/bin/sync
games:x:5:60:games:/usr/games:/usr/sbin/nologin
man:x:6:12:man:/var/cache/man:/usr/sbin/nologin
lp:x:7:7:lp:/var/spool/lpd:/usr/sbin/nologin
mail:x:8:8:mail:/var/mail:/usr/sbin/nologin
news:x:9:9:news:/var/spool/news:/usr/sbin/nologin
uucp:x:10:10:uucp:/var/spool/uucp:/usr/sbin/nologin
proxy:x:13:13:proxy:/bin:/usr/sbin/nologin
www-data:x:33:33:www-data:/var/www:/usr/sbin/nologin
backup:x:34:34:backup:/var/backups:/usr/sbin/nologin
list:x:38:38:Mailing List Manager:/var/list:/usr/sbin/nologin
irc:x:39:39:ircd:/run/ircd:/usr/sbin/nologin
_apt:x:42:65534::/nonexistent:/usr/sbin/nologin
nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin
"""
_GROUPS: Mapping[str, int] = {
    "root": 0,
    "daemon": 1,
    "bin": 2,
    "sys": 3,
    "adm": 4,
    "tty": 5,
    "disk": 6,
    "lp": 7,
    "mail": 8,
    "news": 9,
    "uucp": 10,
    "man": 12,
    "proxy": 13,
    "kmem": 15,
    "dialout": 20,
    "fax": 21,
    "voice": 22,
    "cdrom": 24,
    "floppy": 25,
    "tape": 26,
    "sudo": 27,
    "audio": 29,
    "dip": 30,
    "www-data": 33,
    "backup": 34,
    "operator": 37,
    "list": 38,
    "irc": 39,
    "src": 40,
    "shadow": 42,
    "utmp": 43,
    "video": 44,
    "sasl": 45,
    "plugdev": 46,
    "staff": 50,
    "games": 60,
    "users": 100,
    "nogroup": 65534,
    # A group of Alpine and BusyBox alone; here it lets `--chown=nobody` work.
    "nobody": 65534,
}
_FIRST_OF_USERS = 1000
_SHADOW = 42


def base_folders(now: int) -> Tree:
    """Return the folders that a base image has.

    Args:
        now: seconds since the epoch.
    """
    return {path: File("dir", mode, mtime=now) for path, mode in _FOLDERS.items()}


def account_files(accounts: Sequence[str] = (), *, root_shell: str = "/bin/sh") -> dict[str, str]:
    """Return `/etc/passwd` and `/etc/group`.

    Args:
        accounts: names of more, each with a group and a home of its own; numbered from 1000 on.
        root_shell: what root logs in to.
    """
    users = _ACCOUNTS.replace("/bin/sh", root_shell, 1)
    groups = "".join(f"{name}:x:{gid}:\n" for name, gid in _GROUPS.items())
    for number, name in enumerate(accounts, _FIRST_OF_USERS):
        users += f"{name}:x:{number}:{number}::/home/{name}:/bin/sh\n"
        groups += f"{name}:x:{number}:\n"
    return {"/etc/passwd": users, "/etc/group": groups}


def shadow_files(passwd: str, group: str, now: int) -> Tree:
    """Return what Debian keeps beside accounts: passwords, subordinate numbers, copies.

    Args:
        passwd: the text of `/etc/passwd`.
        group: that of `/etc/group`.
        now: seconds since the epoch.
    """
    day = now // 86_400
    users = "".join(f"{line.partition(':')[0]}:*:{day}:0:99999:7:::\n" for line in _lines(passwd))
    groups = "".join(f"{line.partition(':')[0]}:*::\n" for line in _lines(group))
    texts: Mapping[str, tuple[str, int, int]] = {
        "etc/shadow": (users, 0o640, _SHADOW),
        "etc/gshadow": (groups, 0o640, _SHADOW),
        "etc/passwd-": (passwd, 0o600, 0),
        "etc/group-": (group, 0o644, 0),
        "etc/subuid": ("", 0o644, 0),
        "etc/subgid": ("", 0o644, 0),
    }
    return {
        path: File("file", mode, gid=gid, mtime=now, data=text.encode())
        for path, (text, mode, gid) in texts.items()
    }


def _lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if line]


def homes(accounts: Sequence[str], now: int) -> Tree:
    """Return the homes of accounts that were added."""
    return {
        f"home/{name}": File("dir", 0o755, number, number, now)
        for number, name in enumerate(accounts, _FIRST_OF_USERS)
    }
