"""The programs about text, by their names."""

from __future__ import annotations

from ...process import Main
from . import (
    bytes_shown,
    calculators,
    comparing,
    counting,
    cutting,
    dd,
    expr,
    grep,
    head_and_tail,
    line_layout,
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
        "head": head_and_tail.head,
        "tail": head_and_tail.tail,
        "tee": reading.tee,
        "dd": dd.dd,
        "fold": line_layout.fold,
        "nl": line_layout.nl,
        "split": line_layout.split,
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
        "expr": expr.expr,
        "factor": numbers.factor,
        "echo": printing.echo,
        "printf": printing.printf,
        "test": printing.test,
        "[": printing.test,
        "true": printing.true,
        "false": printing.false,
    }
    if is_busybox:
        found["bc"] = calculators.bc
        found["dc"] = calculators.dc
        found["dos2unix"] = line_layout.dos2unix
        found["unix2dos"] = line_layout.unix2dos
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
