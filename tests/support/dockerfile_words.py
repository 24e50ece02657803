"""The words of which random Dockerfiles are made; see `random_dockerfiles`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Choices:
    """What is always fine, and what may fail or is rare."""

    plain: Sequence[str]
    odd: Sequence[str]


NAMES = ("a", "b", "src", "lib", "n1", "conf.d", "A", "deep", "README", "x", "docs", "é")
STEMS = ("a", "b", "main", "x", "z1", "README")
ENDINGS = (".txt", ".md", ".go", ".conf", "", "")
MODES = ("0644", "0644", "0755", "0600", "0664", "0444", "4755")
FOLDER_MODES = ("0755", "0755", "0711", "0700", "2775", "1777")
PATTERNS = ("*.md", "**/*.txt", "src", "lib/**", "!src/b.md", "deep", "[ab]*", "?", "./a", "src/")
PLATFORMS = ("$BUILDPLATFORM", "linux/amd64", "$TARGETPLATFORM", "${BUILDPLATFORM}")
BASES = {
    "bare": ("/file", "/"),
    "accounts": (
        *("/opt/", "/opt/full", "/opt/file", "/etc/passwd", "/data", "/filelink", "/opt/*", "/*"),
        *("/home/app", "/var/run", "/reldata/keep", "/lib", "opt/full/sub", "/var", "/bin/*", "/"),
        *("/opt/full/../file", "/chain", "/e*/p*", "/opt/f*", "/no-match-*"),
    ),
    "configured": ("/app", "/app/data/seed", "/app/*", "/etc/group", "app/second"),
    "twolayer": ("/w", "/w/b", "/w/dir", "/op/*", "/", "/op"),
    "trigger": ("/etc", "/etc/passwd"),
}
"""Bases, and what may be copied from them."""


COMMENTS = Choices(
    (
        *("# check=skip=all", "# check=skip=JSONArgsRecommended,StageNameCasing", "# escape=\\"),
        *("# syntax=", "# check=experimental=all", "# a comment", "#check=skip=none;error=false"),
    ),
    ("# check=error=true", "# escape=x", "# check=nope", "# escape=`", "# check=error=1"),
)
DESTINATIONS = Choices(
    (
        *(
            "/",
            ".",
            "./",
            "/x/",
            "/x/y/",
            "/a/b/c/",
            "/opt/full/",
            "/opt/",
            "/lib/",
            "/data/",
            "/w/",
        ),
        *("/var/run/", "../up/", "rel/", "/x//z/", "/home/app/", "/app/data/", "$D/", "${D}/y/"),
        *("/new/.", "/srv/data/", "/var/sticky/", "/x/../../z/", "/reldata/n/", "/up/x/", "/etc/"),
    ),
    (
        *("/x", "/a/b/c", "/opt/full", "/opt", "/data", "/dangling", "/dangling/", "/filelink"),
        *("/selfloop/x", "/chain/", "rel", "/a/./b/../c", "/home/app", "/w", "/opt/file", "/etc"),
        *("/opt/file/", "/bin/tool", "/data-real", "/file", "/file/", "/w/a", "/gone", "$D", ""),
        *("/up/x", "/var/run", "/lib", "/app/second", "${UNSET}", "/opt/full/sub/three"),
    ),
)
VALUES = Choices(
    (
        *("beta", "0", "a.b.c", "/usr/lib", '"two words"', "'$lit'", '""', "''", "$UNSET", "a=b"),
        *("${VAR}", "$VAR", "${VAR:-fallback}", "${UNSET:-fallback}x", "${UNSET-}x", "${VAR:+yes}"),
        *("${UNSET:+no}x", "${VAR+set}", "${EMPTY-d}", "${EMPTY:-d}", "${VAR%.*}", "${VAR%%a*}"),
        *("${VAR#*.}", "${VAR##*/}", "${VAR/a/Z}", "${VAR//[ab]/Z}", "${VAR/#a/b}", "${VAR/%c/b}"),
        *('"${UNSET:-"a b"}"', "${UNSET:-${VAR}}", "\\$VAR", "a\\ b", '"a\\"b"', "'a\"b'", "x#y"),
        *(
            "$$",
            "$",
            "a$",
            "${VAR}$VAR",
            "ünï",
            "\\\\",
            "$1",
            "$_u",
            '"$VAR and $GIVEN"',
            "${UNSET}x",
        ),
        *(
            "'it'\\''s'",
            "${VAR//./}",
            "${VAR/./\\/}",
            '"a\'b"',
            "${VAR#?}",
            "${VAR%[!a]}",
            "$*",
            "*",
        ),
        *("${UNSET:-'q'}", '${VAR:-""}', '"${VAR//\\//-}"', "a\\\\b", '"\\$VAR"', "'\\'", "~", "!"),
    ),
    (
        "${VAR:?}",
        "${VAR:?need it}",
        "${VAR?}",
        "${VAR:0}",
        "${VAR",
        "${}",
        "${VAR/x}",
        '"un',
        "${V-",
    ),
)
KEYS = ("VAR", "EMPTY", "PATHX", "LONG_NAME_2", "Mixed1", "_u", "lower", "D", "A", "PATH", "$_u.k")
OWNERS = Choices(
    (
        *("1:2", "5:", "77", "4294967294", "01:02", "0", "0:0", "$ID", "${ID}:7"),
        *("svc", "app:staff", "app", ":staff", "0:50", "nobody", "app:77", "7:staff", "root"),
        *("nobody:staff", "app:nogroup", "app:", "svc:root", "staff", "root:staff", "77:nogroup"),
    ),
    ("1:2:3", ":", "$OWNER", "-1", "99999999999", "a b", "+5", "1000:-1"),
)
CHMODS = Choices(
    (
        *("755", "0644", "1777", "4755", "u=rwX,go=rX", "a+x", "go-rwx", "u+s", "+t", "g=u", "a="),
        *(
            "o+w",
            "0",
            "7777",
            "=r",
            "a+X",
            "u-x,g+w",
            "ug=rx,o=",
            "go=u",
            "$MODE",
            "02750",
            "u+rwxs",
        ),
        *("u=rw", "-w", "g+s,o-r", "+X", "o=g", "u=g,g=o", "ugo+r", "a-st", "u+x+w", "700"),
    ),
    ("10000", "888", "u+q", "go=u-w", "u", "", "+", "z+x", "rw", "0o755", "1e3", "u=rw,", "u+r w"),
)
IGNORES = (
    *("*.md\n", "**/*.txt\n!**/main.txt\n", "src\n!src/b.md\n", "*\n!a*\n!lib\n", "# c\n\n/a\n"),
    *("**/n1\n", "lib/*\n", "conf.d/\n", "*/x*\n!*/x.go\n", "  deep  \n", "a?\n", "!a\n", ".\n"),
)
TEXT = (
    *("plain", "\ttabbed", "  $VAR ${UNSET:-x}", "a\\nb", "back\\", "'$VAR' \"q\"", "\\$VAR", ""),
    *(
        "${VAR%.*}",
        "$",
        "# no comment",
        "EOF2",
        " EOF",
        "`x`",
        "\\\\ two",
        "$(date)",
        '${VAR:-"q"}',
    ),
)
TRIGGERS = Choices(
    (
        *("COPY . /trig/", "ENV T=1", 'CMD ["trig"]', "ARG TARG=1", "LABEL t=$VAR", "WORKDIR trig"),
        *(
            "USER app",
            "COPY --from=accounts /etc /t/",
            "EXPOSE 7",
            "VOLUME /v",
            "env T=$T",
            "add . /",
        ),
    ),
    (
        "ONBUILD ENV T=1",
        "FROM scratch",
        "COPY --from=st0 / /t",
        "NOPE",
        "ADD a b /t/",
        "MAINTAINER x",
    ),
)
FOLDERS = Choices(
    (
        *(
            "sub",
            "/work",
            "/opt",
            "/home/app",
            "$D",
            "../x",
            "/data/w",
            "/a//b/",
            ".",
            "/",
            "/up/w",
        ),
        *(
            "/opt/full/new",
            "/reldata",
            "$PWD/x",
            '"/q d"',
            "/dangling",
            "a b",
            "/var/sticky/deep/d",
        ),
    ),
    ("/opt/file", "/filelink/x", "/selfloop", "", "/file", "/bin/tool/x"),
)
METADATA = Choices(
    (
        *("CMD run $HOME it", 'CMD ["a", "b"]', "CMD ['bad']", "CMD []", 'CMD ["x",]', "cmd x"),
        *('ENTRYPOINT ["/e", "--f"]', "ENTRYPOINT e $VAR", "ENTRYPOINT []", 'entrypoint ["x"]'),
        *("USER 5:6", "USER app:staff", "USER ${UNSET:-svc}", 'USER "q"', "USER app ", "USER app:"),
        *(
            "EXPOSE 80",
            "EXPOSE 80 8080/TCP",
            "EXPOSE 53/udp 1-3",
            "EXPOSE 443/sctp",
            "expose 1-2/udp",
        ),
        *(
            "EXPOSE 127.0.0.1:80:81",
            "EXPOSE 3000-3002/tcp 22",
            "EXPOSE 8000-8001:9000-9001",
            "EXPOSE 0",
        ),
        *("VOLUME /vol", 'VOLUME ["/v1", "/v 2"]', "VOLUME /a /b", "VOLUME rel", "VOLUME /v/ /v"),
        *("STOPSIGNAL 9", "STOPSIGNAL SIGTERM", "STOPSIGNAL term", "STOPSIGNAL RTMIN+3"),
        *("STOPSIGNAL SIGRTMAX-1", "STOPSIGNAL sigkill", "STOPSIGNAL ${SIG:-15}", "STOPSIGNAL 64"),
        *(
            'SHELL ["/bin/ash", "-c"]',
            'SHELL ["x"]',
            "HEALTHCHECK NONE",
            "HEALTHCHECK CMD check it",
        ),
        *('HEALTHCHECK --interval=5s --retries=2 CMD ["a", "b"]', "HEALTHCHECK --retries=0 CMD x"),
        *("HEALTHCHECK --timeout=1m30s --start-period=2s --start-interval=500ms CMD x",),
        *(
            "HEALTHCHECK --interval=0s CMD x",
            "HEALTHCHECK none",
            "healthcheck --retries=65 cmd a\\ b",
        ),
        *(
            "MAINTAINER me <me@example.com>",
            "maintainer you",
            "MAINTAINER $VAR",
            'CMD  [ "a" ]',
            "CMD a  b",
        ),
        *('CMD ["\\u00e9\\n", "\\\\"]', "HEALTHCHECK CMD []", "EXPOSE 8080 $UNSET 80", 'CMD "x" y'),
    ),
    (
        *(
            "USER $UNSET",
            "USER",
            "USER a b",
            "EXPOSE 9-8",
            "EXPOSE 80/foo",
            "EXPOSE 70000",
            "EXPOSE x",
        ),
        *(
            "EXPOSE $UNSET",
            "EXPOSE",
            "EXPOSE 1-2:3-5",
            'VOLUME [""]',
            "VOLUME",
            "VOLUME $UNSET",
            "SHELL x",
        ),
        *(
            "STOPSIGNAL $UNSET",
            "STOPSIGNAL 65",
            "STOPSIGNAL -1",
            "STOPSIGNAL NOPE",
            "STOPSIGNAL a b",
        ),
        *(
            "SHELL []",
            "HEALTHCHECK --interval=1us CMD x",
            "HEALTHCHECK CMD",
            "HEALTHCHECK --retries=x CMD y",
        ),
        *(
            "HEALTHCHECK",
            "HEALTHCHECK --retries=-1 CMD x",
            "HEALTHCHECK --nope=1 CMD x",
            "HEALTHCHECK x y",
        ),
        *(
            "CMD --x y",
            "MAINTAINER",
            "ENV",
            "ENV a",
            "ENV =x",
            "ENV a=1 b",
            "LABEL",
            "LABEL a",
            "ARG",
        ),
        *(
            "ARG a b=1",
            "ARG =x",
            "ONBUILD",
            "WORKDIR",
            "COPY",
            "COPY a",
            "ADD",
            "NOPE x",
            "RUNX",
            "FROM",
        ),
        *(
            "COPY --nope a b",
            "COPY --link=x . /",
            "COPY --from a b",
            "COPY --chmod . /",
            "FROM a b c",
        ),
        *(
            'COPY ["a"] /x',
            "COPY [] /",
            "ADD --checksum=x a /",
            "COPY <<EOF",
            "ENV a=\\",
            "COPY --from=9 / /",
        ),
        *(
            "FROM scratch AS 1x",
            "FROM scratch AS context",
            "ARG VAR=$UNSET x=${",
            "COPY --from=-1 / /",
        ),
        *("COPY --from=$VAR / /", "ENV A b\\", 'LABEL "a"=b c', "HEALTHCHECK NONE x", "SHELL [1]"),
    ),
)
GIVEN = {
    "GIVEN": "given",
    "VAR": "gi ven",
    "D": "/given",
    "MODE": "640",
    "GLOBAL": "bare",
    "EMPTY": "",
    "TARGETARCH": "odd",
    "HTTP_PROXY": "http://p",
    "unused": "1",
    "ID": "8",
}
GLOBALS = ("configured", "bare", "accounts", "${UNSET:-twolayer}", "scratch", '"bare"')
ARGUMENTS = (
    *("VAR", "GIVEN", "GLOBAL", "D", "MODE", "_u", "TARGETARCH", "TARGETPLATFORM", "EMPTY", "ID"),
    *("HTTP_PROXY", "BUILDPLATFORM", "TARGETSTAGE", "OTHER", "A", "PATH", "TARGETVARIANT", "SIG"),
)
LABELS = ("com.example.key", "base.one", '"quoted key"', "k-1")
MEMBERS = (
    *("t", "t/one", "t/two", "d/x", "d", "./e", "ln", "ln/below", "opt/file", "h", "é/ü", "."),
    *("/abs", "t/../u", "data/in", "lib/y", "deep/er/z", ".wh.gone", "w/.wh.b"),
)
LINKS = ("t", "/etc", "../x", "missing", "/opt/full", "d/x")
SOURCES = Choices(
    (
        ".",
        "*",
        "*.md",
        "*/*",
        "[a-c]*",
        "s?c",
        "no-match-*",
        "def.txt",
        "**/*.md",
        "./def.txt",
        "?",
    ),
    ("/", "missing", "src/..", "def.txt/", "a/missing", "[!a]*", "..", "../def.txt", "\\a*"),
)
ADD_FLAGS = ("--unpack", "--unpack=false", "--unpack=true", "--keep-git-dir=true")
DOCUMENT_FLAGS = (
    *("", "", "", "--chmod=755 ", "--chown=app:staff ", "--link ", "--chmod=u=rwx,go= "),
    *("--chown=5:6 --link ", "--exclude=EOF ", "--chown=nobody --chmod=4711 "),
)
