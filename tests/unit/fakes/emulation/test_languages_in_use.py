"""What shells and programs do by their manuals, where scripts come to less often."""

# ruff: noqa: E501  (each script is one line)

from __future__ import annotations

import pytest
from shell_cases import evaluate

_ARRAYS = "a=(one 'two t' three four); declare -A m=([k]=v); x='abcabc'; set -- p q r; "
_BASH = {
    # Values that operators change (bash(1), Parameter Expansion).
    "echo ${x:2} ${x:1:2} ${x: -2} ${x: -4:2} ${x:1:-1}": "cabc bc bc ca bcab",
    "echo ${x^} ${x^^} ${x^^[bc]} ${x@U} ${x@u}": "Abcabc ABCABC aBCaBC ABCABC Abcabc",
    "y=ABC; echo ${y,} ${y,,} ${y@L} ${y,,[B]}": "aBC abc abc AbC",
    "echo ${x/b/X} ${x//b/X} ${x/#a/X} ${x/%c/X} ${x//[bc]} ${x//b}": (
        "aXcabc aXcaXc Xbcabc abcabX aa acac"
    ),
    "echo ${x#*b} ${x##*b} ${x%b*} ${x%%b*}": "cabc c abca a",
    "y='a b'; echo ${y@Q}; y='\\n'; echo \"${y@E}|\"": "'a b'\n\n|",
    'y=x; echo ${!y} ${!y/a/b}; y=a[1]; echo "${!y}"': "abcabc bbcabc\ntwo t",
    "echo ${#x} ${#a[@]} ${#a[1]} ${#}": "6 4 5 3",
    # Arrays.
    'printf "<%s>" "${a[@]:1:2}" "${a[@]/t/T}"; echo': ("<two t><three><one><Two t><Three><four>"),
    'printf "<%s>" "${!a[@]}" "${!m[@]}" "${m[k]}" "${a[-1]}"; echo': "<0><1><2><3><k><v><four>",
    'a+=(five); a[0]+=x; unset "a[1]"; echo "${a[@]}" ${#a[@]}': "onex three four five 4",
    'b=([3]=x y [1]=z); echo "${!b[@]}" "${b[@]}"': "1 3 4 z x y",
    'echo "${@:2}" "${@:0:1}" "${*:1:2}"; IFS=-; echo "$*" "${a[*]}"': (
        "q r bash p q\np-q-r one-two t-three-four"
    ),
    "declare -i n=2; n+=3; n=n*2; echo $n; declare -u s=abc; declare -l t=ABC; echo $s $t": (
        "10\nABC abc"
    ),
    "declare -r c=1; c=2; echo no": "",
    "declare -n ref=x; ref=new; echo $x ${!ref}": "new x",
    "declare -p a m | sed 's/ *)$/)/'": (
        'declare -a a=([0]="one" [1]="two t" [2]="three" [3]="four")\ndeclare -A m=([k]="v")'
    ),
    "f() { local x=in; g; echo $x; }; g() { x=changed; }; f; echo $x": "changed\nabcabc",
    "printf -v y '%03d' 7; echo $y; printf -v 'a[1]' z; echo ${a[1]}": "007\nz",
    "read -r -a w <<< 'p  q r'; echo ${#w[@]} ${w[2]}; read -d : y <<< 'ab:c'; echo $y": "3 r\nab",
    "mapfile -t l <<< $'1\\n2'; echo ${#l[@]} ${l[1]}": "2 2",
    # Patterns.
    "shopt -s extglob\ncase $x in +(abc)) echo plus;; esac; echo ${x##@(a|b)}": ("plus\nbcabc"),
    "[[ $x == a*c && $x =~ ^(ab)c && ! $x < a ]] && echo ${BASH_REMATCH[1]}": "ab",
    "case b in [!a]) echo not;; esac; case ] in []]) echo bracket;; esac": "not\nbracket",
    "mkdir /tmp/g; cd /tmp/g; touch a1 b1 .h 'c d'; echo *1 [!a]* ?[[:digit:]]; printf '<%s>' *": (
        "a1 b1 b1 c d a1 b1\n<a1><b1><c d>"
    ),
    "cd /; echo {a,b}{1..3} {3..1} {a..e..2} {01..03} x{,y}z {q}": (
        "a1 a2 a3 b1 b2 b3 3 2 1 a c e 01 02 03 xz xyz {q}"
    ),
    "shopt -s nullglob dotglob; cd /tmp; mkdir n; touch n/.x; echo n/* n/q*": "n/.x",
    "shopt -s extglob\ncd /tmp; touch a.c b.h 'c d'; echo !(*.c|c d) @(a|b).? ?(x)a*(.c)": (
        "b.h a.c b.h a.c"
    ),
    "shopt -s extglob\n[[ 'a b' == +([a-z ]) ]] && echo yes; [[ aab == *(a|b)?(c) ]] && echo also": (
        "yes\nalso"
    ),
    "! (exit 1) && echo negated; [[ ab =~ ^a?(b)+$ ]] && echo matched; f() (echo sub); f": (
        "negated\nmatched\nsub"
    ),
    # Control.
    "for i in 1 2 3; do for j in a b; do [ $i$j = 2a ] && continue 2; echo $i$j; done; done": (
        "1a\n1b\n3a\n3b"
    ),
    "for i in 1 2; do while :; do break 2; done; done; echo $i": "1",
    "for ((i = 0; i < 3; i++)); do ((i == 1)) && continue; echo $i; done": "0\n2",
    "f() { return 3; }; f; echo $?; (exit 300); echo $?": "3\n44",
    "eval 'y=1;' 'echo $y'; set -- 1 2 3; shift 2; echo $1; shift 5; echo $? $#": "1\n3\n1 1",
    "i=0; until ((i >= 2)); do ((i++)); done; echo $i; select z in; do :; done; echo s": "2\ns",
    "case a in a) echo 1;& b) echo 2;; c) echo 3;; esac": "1\n2",
    "case a in a) echo 4;;& b) echo 5;; [a-z]) echo 6;; esac": "4\n6",
    "exec 3> /tmp/o; echo hi >&3; exec 3>&-; cat /tmp/o; { echo e >&2; } 2>&1; echo x >&3": "hi\ne",
    "trap 'echo bye' EXIT; trap 'echo usr' USR1; kill -USR1 $$; trap - USR1; trap -p": (
        "usr\ntrap -- 'echo bye' EXIT\nbye"
    ),
    "set -e; false || echo kept; if false; then :; fi; ! true; false; echo no": "kept",
    "set -o pipefail; false | true; echo $? ${PIPESTATUS[@]}": "1 1 0",
    "true | false | true; echo ${PIPESTATUS[*]} ${PIPESTATUS[0]}": "0 1 0 0",
    "trap 'echo t' TERM INT; trap -p TERM; trap - TERM; trap -p INT TERM": (
        "trap -- 'echo t' SIGTERM\ntrap -- 'echo t' SIGINT"
    ),
    "sleep 9 & kill %1; wait %1; echo $?; jobs": "143",
    "cat <<-E | tr a-z A-Z\n\t\tab\n\tE\ncat <<'E'\n$x\nE\ncat <<< \"$x\"": "AB\n$x\nabcabc",
    "diff <(echo a) <(echo a) && echo same": "same",
    "echo $((2 ** 10 % 7)) $((n = 5, n <<= 2)) $((1 ? 7 : 8)) $((n++ + ++n))": "2 20 7 42",
    "getopts ab: o -a -b v; echo $o; getopts ab: o -a -b v; echo $o $OPTARG $OPTIND": "a\nb v 4",
    "type -t cd cat if f; f() { :; }; type -t f; command -v cd": (
        "builtin\nfile\nkeyword\nfunction\ncd"
    ),
    "pushd /tmp > /dev/null; pushd /etc; popd; dirs; cd -": "/etc /tmp ~\n/tmp ~\n/tmp ~\n/etc",
    "umask 027; touch /tmp/u; mkdir /tmp/v; stat -c %a /tmp/u /tmp/v; umask -S": (
        "640\n750\nu=rwx,g=rx,o="
    ),
}


@pytest.mark.parametrize("script", _BASH)
def test_bash_does_what_its_manual_says(script: str) -> None:
    """Each line prints what it prints there."""
    outcome = evaluate(_ARRAYS + "cd; " + script)
    assert outcome.stdout.decode().rstrip("\n") == _BASH[script]


_AWK = {
    'BEGIN { print substr("hello", 2, 3), index("hello", "l"), length("hello"), length() }': (
        "ell 3 5 0"
    ),
    'BEGIN { print split("a:b:c", p, ":"), p[3]; print split("a1b22c", q, /[0-9]+/), q[3] }': (
        "3 c\n3 c"
    ),
    'BEGIN { print split("a b", p, / /), split("a^b", q, /^/), q[2]; print split("", r) }': (
        "2 2 b\n0"
    ),
    'BEGIN { print toupper("aB1"), tolower("aB1"), sprintf("%03d|%-3s|", 7, "x") }': (
        "AB1 ab1 007|x  |"
    ),
    'BEGIN { print match("foobar", /o+/), RSTART, RLENGTH; print match("x", /y/), RLENGTH }': (
        "2 2 2\n0 -1"
    ),
    'BEGIN { x = "aaa"; print gsub(/a/, "<&>", x), x; y = "a.b"; sub("[.]", "\\\\&", y); print y }': (
        "3 <a><a><a>\na&b"
    ),
    "BEGIN { print int(3.9), sqrt(16), exp(0), log(1), sin(0), cos(0), atan2(0, -1) }": (
        "3 4 1 0 0 1 3.14159"
    ),
    "BEGIN { srand(1); x = rand(); srand(1); print x == rand(), x < 1, x >= 0 }": "1 1 1",
    'BEGIN { print system("exit 3"); system("echo hi"); print "x" > "/tmp/o"; close("/tmp/o") }': (
        "3\nhi"
    ),
    'BEGIN { while (("echo 1; echo 2" | getline n) > 0) s += n; print s; print close("no") }': (
        "3\n-1"
    ),
    'BEGIN { print "b\\na" | "sort"; close("sort"); print "end" }': "a\nb\nend",
    'BEGIN { printf "x" > "/tmp/p"; print "y" >> "/tmp/p"; close("/tmp/p"); getline z < "/tmp/p"; print z }': (
        "xy"
    ),
    'BEGIN { print 1 == 1.0, "a" < "b", 2 < 10, "2" < "10", !x, -x, x "" == "" }': (
        "1 1 1 0 1 0 1"
    ),
    "BEGIN { a[1, 2] = 3; for (k in a) { split(k, p, SUBSEP); print p[1], p[2] }; print (1, 2) in a }": (
        "1 2\n1"
    ),
    'BEGIN { do i++; while (i < 5); print i; for (;;) if (i-- < 3) break; print i; exit 4 } END { print "e" }': (
        "5\n1\ne"
    ),
    "function f(n) { return n < 2 ? 1 : n * f(n - 1) } BEGIN { print f(5), 2 ^ 3 ^ 2, -2 ^ 2, 7 % -3 }": (
        "120 512 -4 1"
    ),
}


@pytest.mark.parametrize("program", _AWK)
def test_awk_does_what_posix_says(program: str) -> None:
    """Each function and operator gives what POSIX.1-2017 says of it."""
    outcome = evaluate(f"awk '{program}' < /dev/null")
    assert outcome.stdout.decode().rstrip("\n") == _AWK[program]


_FILES = {
    "cp -r d e; cp -a d/. f; ls e f": "e:\na\ns\n\nf:\na\ns",
    "cp d e; echo $?; cp a1 d; cp -n a2 d/a1; cat d/a1; cp -f a2 d/a1; cat d/a1": "1\none\ntwo",
    "cp -v a1 b; cp -l a1 c; stat -c %h a1; cp -s /tmp/w/a1 l; readlink l": (
        "'a1' -> 'b'\n2\n/tmp/w/a1"
    ),
    "chmod 640 a1; touch -d @5 a1; cp -p a1 b; cp --preserve=mode a1 c; stat -c '%a %Y' b; stat -c %a c": (
        "640 5\n640"
    ),
    "cp --parents d/a e; echo $?; mkdir e; cp --parents d/a e; ls -R e": ("1\ne:\nd\n\ne/d:\na"),
    "cp -t d a1 a2; ls d; cp a1 a2 nosuch; echo $?; cp -u a1 d/a1; cp -T a1 d 2>&1; cp a1 a1 2>&1": (
        "a\na1\na2\ns\n1\ncp: cannot overwrite directory 'd' with non-directory\n"
        "cp: 'a1' and 'a1' are the same file"
    ),
    "cp -r d d/s2; echo $?; cp -d s t; readlink t; cp -L s u; cat u; cp -r s v; readlink v": (
        "1\na1\none\na1"
    ),
    "mv a1 d; mv -n a2 d/a1; cat d/a1 a2; mv -v a2 z; mv d/a1 d; mv nosuch d; echo $?": (
        "one\ntwo\nrenamed 'a2' -> 'z'\n1"
    ),
    "rm d; echo $?; rm -r d; rm -f nosuch; echo $?; rm -v a1; rmdir nosuch; echo $?": (
        "1\n0\nremoved 'a1'\n1"
    ),
    "head -n -1 n; head -c 3 n; tail -n +3 n; tail -c 2 n; head -q -n 1 n a1": (
        "1\n2\n1\n23\n3\n1\none"
    ),
    "install -m 600 -D a1 q/r/a; install -d -m 700 y; stat -c '%a %n' q/r/a y": (
        "600 q/r/a\n700 y"
    ),
}


@pytest.mark.parametrize("script", _FILES)
def test_programs_of_files_do_what_their_manuals_say(script: str) -> None:
    """What is copied, moved, removed and shown is that of GNU's programs."""
    setup = "mkdir /tmp/w; cd /tmp/w; echo one > a1; echo two > a2; mkdir -p d/s; echo a > d/a;"
    outcome = evaluate(setup + " ln -s a1 s; printf '1\\n2\\n3\\n' > n; " + script)
    assert outcome.stdout.decode().rstrip("\n") == _FILES[script]
