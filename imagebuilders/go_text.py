"""Three small things that Docker's ignore rules take from Go's standard library.

White space as `strings.TrimSpace` sees it, paths as `filepath.Clean` writes them,
and the syntax check that `filepath.Match` makes. Text is `str`; bytes that are no
UTF-8 stand in it as lone surrogates (`surrogateescape`), as in Python's file names.
"""

from __future__ import annotations

# `unicode.IsSpace`. Python's own `str.strip` also takes U+001C to U+001F away.
WHITE_SPACE = (
    "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006"
    "\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"
)


def trim_space(text: str) -> str:
    """Give `text` without white space at its ends (Go's `strings.TrimSpace`)."""
    return text.strip(WHITE_SPACE)


def clean_path(path: str) -> str:
    """Give the shortest spelling of `path` (Go's `filepath.Clean`, on Unix).

    Differs from `posixpath.normpath` in that two leading slashes become one.
    """
    rooted = path.startswith("/")
    kept: list[str] = []
    for part in path.split("/"):
        if part in ("", "."):
            continue
        if part == "..":
            if kept and kept[-1] != "..":
                kept.pop()
            elif not rooted:
                kept.append(part)
            continue
        kept.append(part)
    return "/" * rooted + "/".join(kept) or "."


class GlobSyntaxError(ValueError):
    """A glob that Go's `filepath.Match` calls malformed."""


def check_glob(pattern: str) -> None:
    """Raise `GlobSyntaxError` if Go's `filepath.Match(pattern, ".")` gives an error.

    Like Go, this does not look behind a `*` when what stands before it does not match
    the name `.`; such a pattern fails later, when it is first tried on a path.
    """
    rest, name = pattern, "."
    while rest:
        stars = len(rest) - len(rest.lstrip("*"))
        chunk, rest = _split_chunk(rest[stars:])
        if stars and not chunk:
            return
        remainder = _match_chunk(chunk, name)
        if remainder is not None and (not remainder or rest):
            name = remainder
            continue
        if stars and name:
            remainder = _match_chunk(chunk, "")
            if remainder is not None:
                name = remainder
                continue
        return


def _split_chunk(pattern: str) -> tuple[str, str]:
    """Split before the first `*` that is not in a class."""
    in_class = False
    i = 0
    while i < len(pattern):
        char = pattern[i]
        if char == "\\":
            i += 1
        elif char == "[":
            in_class = True
        elif char == "]":
            in_class = False
        elif char == "*" and not in_class:
            break
        i += 1
    return pattern[:i], pattern[i:]


def _match_chunk(chunk: str, name: str) -> str | None:
    """Match a chunk without `*` at the start of `name`; give the rest of `name`, or `None`."""
    failed = False
    i = 0
    while i < len(chunk):
        if not name:
            failed = True
        char = chunk[i]
        if char == "[":
            hit, i = _match_class(chunk, i + 1, name[:1])
            failed = failed or not hit
        elif char == "?":
            failed = failed or name[:1] == "/"
            i += 1
        else:
            if char == "\\":
                i += 1
                if i == len(chunk):
                    raise GlobSyntaxError("it ends in a lone backslash")
            failed = failed or chunk[i] != name[:1]
            i += 1
        if not failed:
            name = name[1:]
    return None if failed else name


def _match_class(chunk: str, i: int, char: str) -> tuple[bool, int]:
    negated = chunk[i : i + 1] == "^"
    if negated:
        i += 1
    hit = False
    ranges = 0
    while not (ranges and chunk[i : i + 1] == "]"):
        low, i = _class_char(chunk, i)
        high = low
        if chunk[i] == "-":
            high, i = _class_char(chunk, i + 1)
        hit = hit or low <= char <= high
        ranges += 1
    return hit != negated, i + 1


def _class_char(chunk: str, i: int) -> tuple[str, int]:
    if i >= len(chunk):
        raise GlobSyntaxError("a '[' has no closing ']'")
    if chunk[i] in "-]":
        raise GlobSyntaxError(f"in '[…]', {chunk[i]!r} stands where a character is needed")
    if chunk[i] == "\\":
        i += 1
        if i == len(chunk):
            raise GlobSyntaxError("it ends in a lone backslash")
    if "\udc80" <= chunk[i] <= "\udcff":
        raise GlobSyntaxError("in '[…]', a byte is no UTF-8")
    if i + 1 == len(chunk):
        raise GlobSyntaxError("a '[' has no closing ']'")
    return chunk[i], i + 1
