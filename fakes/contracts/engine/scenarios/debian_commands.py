"""What the usual commands do in Debian: its shells, coreutils, accounts, archives.

The scripts that a busybox is asked to run, and what only Debian has; by containers, by commands
beside one's process 1, and by RUN. See `shell_commands` for what is noted.
"""

from __future__ import annotations

from functools import partial

from ..registry import DEBIAN_IMAGE, scripts
from ..session import Session
from .shell_commands import EXECS, FILES, SCRIPTS, TEXT, exec_script, run_script


def _build(s: Session, lines: str) -> None:
    """Build on Debian, and note what the steps print; files are what they look at themselves."""
    s.build(f"FROM {DEBIAN_IMAGE}\n{lines}\n", look=False, nocache="1")


_FILES = {
    **FILES,
    "folders_by_install": "install -d -m 750 -o 1 -g 2 /a/b; stat -c '%a %u:%g %n' /a /a/b",
    "a_link_in_place_of_a_link": "ln -s /etc /l; ln -sfn /root /l; readlink /l; ls /root",
    "told_by_name": (
        "cd /tmp; mkdir -vp a/b; touch a/x; cp -v a/x a/y; mv -v a/y z; chmod -v 600 z;"
        " ln -sv z l; rm -rv a"
    ),
    "copies_into_a_folder": (
        "cd /tmp; mkdir d; touch x y; cp -t d x y; cp --parents d/x /mnt; find d /mnt | sort"
    ),
    "find_and_print": (
        "mkdir -p /a/b; echo 1 > /a/x; chmod 600 /a/x; find /a -printf '%y %m %s %P\\n' | grep -v d"
    ),
    "find_and_delete": "mkdir -p /a/b; touch /a/x /a/b/y; find /a -mindepth 1 -delete; ls -A /a",
    "names_of_files": (
        "realpath -m /a/../b; basename -a /x/1 /x/2; basename x.c .c; dirname /a/b c;"
        " readlink -f /tmp/../etc/x"
    ),
    "a_size_by_truncate": "truncate -s 1K /f; stat -c %s /f; dd if=/dev/zero of=/g bs=8 count=2"
    " 2>/dev/null; stat -c %s /g",
    "a_compressed_tar": (
        "cd /tmp; mkdir a; echo 1 > a/b; tar -czf t.tgz --owner=5 --group=6 a; tar -tzf t.tgz;"
        " tar -xzf t.tgz -C /mnt; stat -c '%u:%g' /mnt/a/b"
    ),
    "a_temporary_folder": "d=$(mktemp -d); stat -c '%a %F' $d; rmdir $d; ls /tmp",
    "refused_options": "ls --nosuch; echo $?; mkdir; echo $?; cp /etc/passwd; echo $?",
}
_ACCOUNTS = {
    "useradd": "useradd -m -s /bin/bash app; id app; tail -n 1 /etc/passwd; stat -c '%a %U' ~app",
    "useradd_of_a_system": (
        "useradd -r -M -d /srv -s /usr/sbin/nologin daemon2; id daemon2; tail -n 1 /etc/passwd"
    ),
    "groupadd_and_usermod": (
        "groupadd -g 2000 g; useradd -u 1500 -g g u; usermod -aG users,g u; id u;"
        " usermod -s /bin/sh -d /u u; tail -n 1 /etc/passwd; groups u"
    ),
    "userdel": "useradd -m a; useradd b; userdel -r a; echo $?; id a; ls /home; userdel a; echo $?",
    "adduser": "adduser --disabled-password --gecos '' app; id app; tail -n 1 /etc/passwd",
    "adduser_of_a_system": (
        "adduser --system --group --no-create-home --home /srv d; id d | tr -d 0-9; "
        "addgroup --gid 3000 g; adduser d g; grep ^g: /etc/group"
    ),
    "an_account_twice": "useradd a; useradd a; echo $?; groupadd a; echo $?; groupdel a; echo $?",
    "passwords": "useradd a; echo a:x | chpasswd -e; cut -d: -f1,2 /etc/shadow | tail -n 1",
    "another_user": "useradd -m a; su a -c 'id -un; pwd; echo $HOME'; su - a -c pwd; su b; echo $?",
    "names_of_accounts": "getent passwd root; getent group 0; getent passwd x; echo $?",
}
_BASH = {
    "arrays": 'a=(x "y z" w); echo ${#a[@]} "${a[1]}" ${a[@]:1:2}; a+=(v); echo "${!a[@]}"',
    "maps": "declare -A m=([k]=v [l]=w); echo ${m[k]} ${#m[@]}; unset 'm[k]'; echo ${!m[@]}",
    "conditions": "x=abc123; [[ $x =~ ^([a-z]+)([0-9]+)$ ]] && echo ${BASH_REMATCH[@]:1}; "
    "[[ $x == a* && ! -e /no ]] && echo yes",
    "expansions": "v=aXbXc; echo ${v//X/-} ${v/X} ${v^^} ${v,,} ${v:1:3} ${v: -1} ${v#*X} ${v%%X*}",
    "braces": "echo {1..3} {a,b}{x,y} {01..03}",
    "here_strings": "read -r a b <<< 'one two three'; echo $b; "
    "mapfile -t l < <(seq 3); echo ${l[2]}",
    "codes_of_pipes": "set -o pipefail; false | true; echo $?; true | false | true; "
    "echo ${PIPESTATUS[@]}",
    "a_trap_of_errors": "set -Ee; trap 'echo failed $?' ERR; f() { false; }; f; echo never",
    "numbers": "((i = 3)); ((i++)); let j=i*2; echo $i $j $((16#ff)) $((2 ** 8)); ((0)) || echo no",
    "cases_that_go_on": "case ab in a*) echo 1;;& *b) echo 2;; *) echo 3;; esac",
    "printf_into_a_name": "printf -v x '%05.1f|%q' 2.5 'a b'; echo \"$x\"; printf '%s\\n' a b",
    "what_names_are": "f() { :; }; type -t f if cd ls; declare -p PATH",
    "quotes": "echo $'a\\tb' \"$(printf %q 'x y')\"; echo \"${a[0]-none}\"",
    "an_unset_variable": "set -euo pipefail; echo ${B:-d}; echo $B; echo never",
    "names_of_names": "x=1; n=x; echo ${!n}; declare -n r=x; r=2; echo $x; local y",
    "globs": "cd /tmp; mkdir -p a/b; touch a/b/c; shopt -s globstar nullglob; echo **/c z*",
    "what_cannot_be_executed": "/etc; echo $?; /etc/passwd; echo $?; . /no; echo $?",
}
_EXECS = {**EXECS, "adduser": "adduser --disabled-password --gecos '' app > /dev/null; id -u app"}
_BUILDS = {
    "an_account_of_its_own": "RUN useradd -r -u 999 app && install -d -o app -g app /srv/app"
    " && stat -c '%a %U:%G' /srv/app\nUSER app\nWORKDIR /srv/app\nRUN id -un; pwd; touch x y;"
    " stat -c '%U' x; ls",
    "steps_that_are_traced": "RUN exec 2>&1; set -eux; mkdir /a; echo 1 > /a/b; chmod 700 /a"
    "\nRUN ls /a",
    "bash_as_shell": 'SHELL ["/bin/bash", "-o", "pipefail", "-c"]\n'
    "RUN a=(1 2); echo ${a[1]} $BASHPID $$ | wc -w\nRUN false | true",
    "a_step_that_fails": "RUN echo before; exit 7\nRUN echo never",
    "links_to_outputs": "RUN ln -sf /dev/stdout /var/log/a.log && readlink /var/log/a.log"
    " && rm -rf /var/lib/apt/lists/* /tmp/* && ls /tmp",
    "changed_settings": "RUN sed -i 's/^root:[^:]*/root:*/' /etc/passwd && head -n 1 /etc/passwd"
    " && printf 'a=1\\nb=2\\n' > /etc/s && sed -i -e '/^a=/d' /etc/s && cat /etc/s"
    '\nENV A=b C="d e"\nRUN echo $A $C && env | grep ^C=',
    "words_without_a_shell": 'RUN ["echo", "$HOME", "a b"]',
}

_in_sh = partial(run_script, image=DEBIAN_IMAGE)
_in_bash = partial(run_script, image=DEBIAN_IMAGE, program="bash")

scripts("debian_files", _FILES, _in_sh, image=DEBIAN_IMAGE)
scripts("debian_text", TEXT, _in_sh, image=DEBIAN_IMAGE)
scripts("debian_scripts", SCRIPTS, _in_sh, image=DEBIAN_IMAGE)
scripts("debian_bash", _BASH, _in_bash, image=DEBIAN_IMAGE)
scripts("debian_accounts", _ACCOUNTS, _in_sh, image=DEBIAN_IMAGE)
scripts("debian_execs", _EXECS, partial(exec_script, image=DEBIAN_IMAGE), image=DEBIAN_IMAGE)
scripts("debian_builds", _BUILDS, _build, image=DEBIAN_IMAGE)
