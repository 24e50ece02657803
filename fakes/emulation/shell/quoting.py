"""How values are shown so that a shell can read them again."""

from __future__ import annotations

import re


def quoted(value: str) -> str:
    """Quote a value as bash shows it where it may need it."""
    if not value:
        return "''"
    if re.search(r"[\x00-\x1f\x7f]", value):
        escapes = {"\n": "\\n", "\t": "\\t", "\r": "\\r", "\x1b": "\\E", "\a": "\\a"}
        body = "".join(
            escapes.get(one) or ("\\" + one if one in "\\'" else one)
            if one >= " " or one in escapes
            else f"\\{ord(one):03o}"
            for one in value
        )
        return f"$'{body}'"
    return "'" + value.replace("'", "'\\''") + "'"
