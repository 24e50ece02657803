"""What the usual commands do: output, exit code and the files left behind, by a real busybox.

An engine double has to evaluate them, as with `execute="shell"`; no rule tells it what they do.
"""

from __future__ import annotations

from typing import Any

from ..container_hands import printed, sleeping, start
from ..registry import scripts
from ..session import Session


def _changes(s: Session, container: str) -> list[list[Any]]:
    found = s.request("GET", f"/containers/{container}/changes").json() or []
    return sorted([change["Path"], change["Kind"]] for change in found)


def _plain(text: str) -> str:
    """Leave out where in a script an error is, which only some busyboxes tell."""
    return text.replace("sh: line 0: ", "sh: ")


def run_script(s: Session, script: str, *, program: str = "sh", image: str = "") -> None:
    """Run a script in a container, and note what it left."""
    body = {
        "Image": image or s.base,
        "Cmd": [program, "-c", script],
        "Hostname": "box",
        "Env": ["PATH=/usr/sbin:/usr/bin:/sbin:/bin", "A=1"],
        "HostConfig": {"NetworkMode": "none"},
    }
    container = str(s.request("POST", "/containers/create", json=body).json()["Id"])
    start(s, container)
    code = s.request("POST", f"/containers/{container}/wait").json()["StatusCode"]
    s.note("exit code", code)
    s.note("printed", {name: _plain(text) for name, text in printed(s, container).items()})
    s.note("changes", _changes(s, container))
    s.request("DELETE", f"/containers/{container}", params={"force": "1"})


def exec_script(s: Session, script: str, *, image: str = "") -> None:
    """Run a script beside process 1 of a container, and note what it left."""
    host = {"NetworkMode": "none"}
    container = sleeping(s, Image=image or s.base, Hostname="box", HostConfig=host)
    body = {"Cmd": ["sh", "-c", script], "AttachStdout": True, "AttachStderr": True}
    instance = s.request("POST", f"/containers/{container}/exec", json=body).json()["Id"]
    response = s.request("POST", f"/exec/{instance}/start", json={"Tty": True})
    s.note("printed", response.text)
    s.note("exit code", s.request("GET", f"/exec/{instance}/json").json()["ExitCode"])
    s.note("changes", _changes(s, container))
    s.request("DELETE", f"/containers/{container}", params={"force": "1"})


FILES = {
    "mkdir_and_chown": "mkdir -p /app/a && chown -R 1:2 /app && stat -c '%a %u:%g %n' /app /app/a",
    "chmod_octal": "echo x > /f; chmod 640 /f; stat -c '%a %s' /f",
    "chmod_symbolic": "echo x > /f; chmod 600 /f; chmod u+x,g=r,o-r /f; stat -c %a /f",
    "umask": "umask 027; mkdir /d; echo x > /d/f; stat -c '%a %n' /d /d/f",
    "copy_a_tree": (
        "mkdir -p /a/b; echo 1 > /a/b/c; ln -s b /a/l; cp -a /a /z; ls -A /z; cat /z/l/c"
    ),
    "copy_without_r": "mkdir /a; cp /a /b; echo $?",
    "move_over": "echo 1 > /a; echo 2 > /b; mv /a /b; cat /b; ls /a",
    "remove_a_tree": "mkdir -p /a/b; touch /a/b/c; rm -r /a; rm /a; rm -f /a; echo $?",
    "remove_of_the_base": "rm /etc/group; ls /etc/group; echo $?",
    "rmdir": "mkdir -p /a/b; rmdir /a; echo $?; rmdir /a/b /a; echo $?",
    "symbolic_links": "ln -s /etc/passwd /l; readlink /l; ln -sf nowhere /l; readlink /l; cat /l",
    "hard_links": "echo 1 > /a; ln /a /b; echo 2 >> /b; cat /a; stat -c '%h' /a",
    "touch_with_a_time": "touch -d '2001-02-03 04:05:06' /f; date -u -r /f +%s",
    "install_a_file": "echo x > /a; install -m 700 /a /b; stat -c '%a' /b",
    "a_tar": (
        "mkdir /a; echo 1 > /a/b; tar -cf /t.tar -C / a; rm -r /a; tar -xf /t.tar -C /; cat /a/b"
    ),
    "find_by_name": "mkdir -p /a/b; touch /a/x.c /a/b/y.c /a/z; find /a -name '*.c' | sort",
    "find_and_execute": "mkdir /a; touch /a/1 /a/2; find /a -type f -exec rm {} \\;; ls /a | wc -l",
    "test_of_files": (
        "touch /f; test -f /f && echo f; test -d /f || echo no; [ -s /f ] || echo empty"
    ),
    "a_missing_folder": "echo x > /no/such/file; echo $?",
    "a_named_pipe": "mkfifo /p; echo hi > /p & cat /p; wait; test -p /p && echo pipe",
}
TEXT = {
    "sed_in_place": "printf 'a\\nb\\n' > /f; sed -i 's/a/x/;/b/d' /f; cat /f",
    "sed_groups": "echo k=v | sed -E 's/(.*)=(.*)/\\2=\\1/'",
    "awk_fields": "printf '1 a\\n2 b\\n' | awk '{s += $1; print $2} END {print s}'",
    "grep_codes": "grep -c root /etc/passwd; grep nosuch /etc/passwd; echo $?; grep x /no; echo $?",
    "sort_and_uniq": "printf 'b\\na\\nb\\n' | sort | uniq -c | awk '{print $1, $2}'",
    "cut_and_tr": "cut -d: -f1,7 /etc/passwd | tr a-z A-Z | head -n 1",
    "head_and_tail": "seq 10 | head -n 3 | tail -n 1; seq 10 | tail -n +9",
    "wc_and_seq": "seq 1 2 9 | wc -l | tr -d ' '",
    "xargs": "echo 1 2 3 | xargs -n 2 echo x",
    "printf_forms": "printf '%s-%03d-%x\\n' a 7 255; printf '%5s|%-5s|\\n' a b",
    "sums": "echo hi > /f; md5sum /f; sha256sum /f",
    "base64_both_ways": "echo hello | base64 | base64 -d",
    "tee": "echo x | tee /a /b; cat /a /b",
    "od": "printf 'AB' | od -An -tx1 | tr -d ' '",
}
SCRIPTS = {
    "variables": 'x=1; y=${x:-2}${z:-3}; echo "$y ${#y} ${y%3} ${A}"',
    "arithmetic": "i=0; while [ $i -lt 3 ]; do i=$((i + 1)); done; echo $((i * 7 % 4)) $i",
    "for_and_case": (
        "for f in a.c b.o c; do case $f in *.c) echo C;; *.o) echo O;; *) echo -;; esac; done"
    ),
    "functions": "f() { local x=2; echo $x $1; return 3; }; x=1; f a; echo $? $x",
    "command_substitution": 'echo "$(echo a; echo b)" `echo c`',
    "here_document": "cat <<EOF\n$A $(echo b)\nEOF\ncat <<'EOF'\n$A\nEOF",
    "pipes_and_codes": "false | true; echo $?; ! true; echo $?",
    "exit_on_error": "set -e; echo a; false; echo b",
    "unset_variables": "set -u; echo ${B-none}; echo $B; echo never",
    "trace": "set -x; echo a b; x='c d'",
    "and_or_lists": "true && echo a || echo b; false && echo c || echo d",
    "redirections": "{ echo out; echo err >&2; } > /o 2>&1; cat /o; exec 3> /t; echo x >&3; cat /t",
    "globs": "mkdir /g; cd /g; touch a1 a2 b; echo a* [!a]* z*",
    "not_executable": "echo x > /f; /f; echo $?",
    "a_script_file": "printf '#!/bin/sh\\necho $0 $# $2\\n' > /s; chmod +x /s; /s a 'b c'",
    "exit_code": "exit 42",
    "killed_by_a_signal": "sh -c 'kill -9 $$'; echo $?",
    "a_trap": "trap 'echo bye' EXIT; echo hi; exit 3",
    "a_trapped_signal": "trap 'echo got' USR1; kill -USR1 $$; echo on",
    "background_jobs": "(sleep 0.1; echo two) & echo one; wait; echo three",
    "read_lines": "printf 'a b\\nc\\n' | while read -r x y; do echo \"[$x][$y]\"; done",
    "positional_words": "set -- a 'b c' d; echo $# \"$2\"; shift; echo $*",
    "a_subshell": "x=1; (x=2; cd /etc; pwd); echo $x; pwd",
    "environment": "B=2 env | grep '^[AB]=' | sort; export C=3; sh -c 'echo $C'",
    "who": "id -u; id -un; whoami; hostname",
    "a_timeout": "timeout 0.1 sleep 5; echo $?",
}
EXECS = {
    "in_a_container": "id -u; pwd; echo $$ | grep -c 1 > /dev/null; echo x > /x; cat /x",
    "kill_process_1": "kill 1; echo $?",
}

scripts("shell_files", FILES, run_script)
scripts("shell_text", TEXT, run_script)
scripts("shell_scripts", SCRIPTS, run_script)
scripts("shell_execs", EXECS, exec_script)
