"""The programs about text, by their names."""

from __future__ import annotations

from ...process import Main
from . import (
    bytes_shown,
    comparing,
    counting,
    cutting,
    grep,
    numbers,
    printing,
    reading,
    sorting,
    sums,
    xargs,
)
from .awk.main import awk
from .sed.main import sed


def programs(*, is_busybox: bool) -> dict[str, Main]:
    """Return them."""
    found: dict[str, Main] = {
        "cat": reading.cat,
        "tac": reading.tac,
        "rev": reading.rev,
        "head": reading.head,
        "tail": reading.tail,
        "tee": reading.tee,
        "dd": reading.dd,
        "fold": reading.fold,
        "nl": reading.nl,
        "split": reading.split,
        "strings": reading.strings,
        "wc": counting.wc,
        "uniq": counting.uniq,
        "cut": cutting.cut,
        "tr": cutting.tr,
        "paste": cutting.paste,
        "expand": cutting.expand,
        "unexpand": cutting.unexpand,
        "sort": sorting.sort,
        "comm": sorting.comm,
        "shuf": sorting.shuf,
        "grep": grep.grep,
        "egrep": grep.egrep,
        "fgrep": grep.fgrep,
        "sed": sed,
        "awk": awk,
        "xargs": xargs.xargs,
        "diff": comparing.diff,
        "cmp": comparing.cmp,
        "od": bytes_shown.od,
        "hexdump": bytes_shown.hexdump,
        "xxd": bytes_shown.xxd,
        "base64": sums.base64,
        "md5sum": sums.md5sum,
        "sha1sum": sums.sha1sum,
        "sha256sum": sums.sha256sum,
        "sha512sum": sums.sha512sum,
        "cksum": sums.cksum,
        "seq": numbers.seq,
        "yes": numbers.yes,
        "expr": numbers.expr,
        "factor": numbers.factor,
        "echo": printing.echo,
        "printf": printing.printf,
        "test": printing.test,
        "[": printing.test,
        "true": printing.true,
        "false": printing.false,
    }
    if is_busybox:
        found["bc"] = numbers.bc
        found["dc"] = numbers.dc
        found["dos2unix"] = reading.dos2unix
        found["unix2dos"] = reading.unix2dos
    else:
        found.update(
            {
                "mawk": awk,
                "nawk": awk,
                "sha224sum": sums.sha224sum,
                "sha384sum": sums.sha384sum,
                "b2sum": sums.b2sum,
            }
        )
        found.pop("xxd")
        found.pop("hexdump")
        found.pop("strings")
    return found
