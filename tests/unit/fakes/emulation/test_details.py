"""Scripts of one line whose outcome a real Debian 12 or its shells gave."""

from __future__ import annotations

import pytest
from shell_cases import run_case

_SCRIPTS = [
    ("bash", "cat < <(echo c); diff <(echo 1) <(echo 2) | head -n 1", 0, "c\n1c1\n"),
    ("bash", "mapfile -t -n 2 -s 1 l < /etc/passwd; echo ${#l[@]} ${l[0]%%:*}", 0, "2 daemon\n"),
    ("bash", "select x in a b; do echo $x; break; done <<< 2; echo $REPLY", 0, "b\n2\n"),
    (
        "bash",
        "select x in a b; do echo [$x] $REPLY; done <<< $(printf '2\\n\\n9\\nq\\n')",
        1,
        "[b] 2\n[] 9\n[] q\n\n",
    ),
    ("bash", "mapfile -n x l < /etc/passwd; echo $?", 0, "1\n"),
    ("bash", "shopt -q extglob; echo $?; shopt -s extglob; shopt -q extglob; echo $?", 0, "1\n0\n"),
    ("bash", "echo $BASH_SUBSHELL; (echo $BASH_SUBSHELL; (echo $BASH_SUBSHELL))", 0, "0\n1\n2\n"),
    ("bash", "printf '%q|%5q\\n' 'a b' c", 0, "a\\ b|    c\n"),
    (
        "bash",
        "cd /tmp; mkdir -p a/b; shopt -s globstar; echo **; echo a/**/",
        0,
        "a a/b\na/ a/b/\n",
    ),
    ("bash", "trap 'echo bye' EXIT; kill $$; echo never", 143, "bye\n"),
    ("bash", "trap 'echo bye' EXIT; kill -HUP $$; echo never", 129, "bye\n"),
    ("bash", "trap 'echo bye' EXIT; trap '' TERM; kill $$; echo on", 0, "on\nbye\n"),
    ("bash", "trap 'echo bye' EXIT; kill -INT $$; echo on", 0, "on\nbye\n"),
    ("sh", "trap 'echo bye' EXIT; kill $$; echo on", 0, "on\nbye\n"),
    ("bash", "set -eu; echo $B; echo never", 1, ""),
    ("bash", "set -u; echo $B; echo never", 127, ""),
    ("sh", "timeout -s KILL 0.01 sleep 5; echo $?", 0, "137\n"),
    ("sh", "timeout -k 0.01 0.01 sh -c 'trap : TERM; sleep 3; sleep 3'; echo $?", 0, "137\n"),
    ("sh", "stdbuf -o0 echo x; stdbuf -oL nosuch; echo $?", 0, "x\n127\n"),
    ("sh", "cd /tmp; touch a; echo n | rm -i a; ls; echo y | rm -i a; ls", 0, "a\n"),
    ("sh", "cd /tmp; mkdir d; touch d/a; yes | rm -ri d; rm -i no; echo $?; ls", 0, "1\n"),
    ("sh", "cd /tmp; touch a bb c; ls -m; ls -m1", 0, "a, bb, c\na\nbb\nc\n"),
    ("sh", "echo no:x | chpasswd -e; echo $?", 0, "1\n"),
    (
        "sh",
        "touch f; chown -v 1:2 f; chown -c 1 f; chgrp -v bin f; chown -v root f; chmod -c 600 f;"
        "chown -v 5:bin f; chown -v root: f; chown -v :7 f; chown -v --reference=/etc/shadow f",
        0,
        "changed ownership of 'f' from root:root to 1:2\n"
        "group of 'f' retained as bin\n"
        "changed ownership of 'f' from daemon to root\n"
        "mode of 'f' changed from 0644 (rw-r--r--) to 0600 (rw-------)\n"
        "changed ownership of 'f' from root:bin to :bin\n"
        "changed ownership of 'f' from games:bin to root:root\n"
        "changed group of 'f' from root to 7\n"
        "changed ownership of 'f' from root:lp to root:shadow\n",
    ),
    (
        "sh",
        "deluser games 2>&1; adduser --quiet --system --group --uid 100 d; echo $?",
        0,
        "deluser: `/usr/bin/crontab' not executed. Skipping crontab removal. Package `cron' "
        "required.\nRemoving user `games' ...\nDone.\n1\n",
    ),
]


@pytest.mark.parametrize(("shell", "script", "code", "printed"), _SCRIPTS)
def test_details_of_debian(shell: str, script: str, code: int, printed: str) -> None:
    """Output and exit code are the real ones."""
    case = {
        "id": "details/one@debian",
        "group": "details",
        "image": "debian",
        "shell": shell,
        "as": "run",
        "script": script,
    }
    outcome = run_case(case)
    assert (bytes(outcome.stdout).decode(), outcome.exit_code) == (printed, code)


def test_sizes_and_names_of_tools() -> None:
    """A compressed file is told of, and programs say which package they are of."""
    script = (
        "cd /tmp; echo abc > f; gzip -n f; gzip -l f.gz; passwd -S root | cut -d' ' -f1,2,4-;"
        "for p in sed tar gzip xargs ls; do $p --version | head -n 1; done"
    )
    case = {"id": "d/o@debian", "image": "debian", "shell": "sh", "as": "run", "script": script}
    printed = bytes(run_case(case).stdout).decode().splitlines()
    assert printed == [
        "         compressed        uncompressed  ratio uncompressed_name",
        "                 24                   4 -50.0% f",
        "root L 0 99999 7 -1",
        "sed (GNU sed) 4.9",
        "tar (GNU tar) 1.34",
        "gzip 1.12",
        "xargs (GNU findutils) 4.9.0",
        "ls (GNU coreutils) 9.1",
    ]
