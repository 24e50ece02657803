"""Here-documents and the words that begin them."""

from __future__ import annotations

import pytest

from imagebuilders.dockerfile import (
    HereDocument,
    begins_here_document,
    here_document_beginning,
    parse,
)


@pytest.mark.parametrize(
    ("word", "document"),
    [
        ("<<EOF", HereDocument("EOF")),
        ("<<-EOF", HereDocument("EOF", strip_tabs=True)),
        ("<<'EOF'", HereDocument("EOF", expand=False)),
        ('<<"E F"', HereDocument("E F", expand=False)),
        ('3<<E"O"F', HereDocument("EOF", expand=False, descriptor=3)),
        ("<< EOF", HereDocument("EOF")),
        ("<<$x", HereDocument("$x")),
        ("99999999999999999999999<<a", HereDocument("a", descriptor=2**64 - 1)),
        ("<<", None),
        ("<<<EOF", None),
        ("EOF", None),
        ("<<a b", None),
    ],
)
def test_the_word_that_begins_one(word: str, document: HereDocument | None) -> None:
    """Quotes anywhere in it mean that variables do not count."""
    assert here_document_beginning(word) == document
    assert begins_here_document(word) == (document is not None)


def test_a_word_with_an_unpaired_quote_begins_none() -> None:
    """As a source of COPY it is a file's name."""
    assert not begins_here_document('<<"a')


def test_tabs_that_do_not_count() -> None:
    """`<<-` takes the tabs from the text, and keeps them in the content as it is written."""
    (copy,) = parse(b"COPY <<-X /\n\t\ta\n\n\tb\tc\n\tX\n").instructions
    (document,) = copy.here_documents
    assert document.content == "\t\ta\n\n\tb\tc\n"
    assert document.text == "a\n\nb\tc\n"


@pytest.mark.parametrize(
    "instruction", ['RUN ["a", "<<EOF"]', "ENV a=<<EOF", "RUN 'it <<EOF", "ONBUILD CMD <<EOF"]
)
def test_where_there_are_none(instruction: str) -> None:
    """Not in the exec form, not in other instructions, not where quotes are unpaired."""
    dockerfile = parse(f"{instruction}\nRUN x\n".encode())
    assert dockerfile.instructions[0].here_documents == ()
    assert dockerfile.instructions[1].code == "RUN x"


def test_an_onbuild_keeps_its_here_documents() -> None:
    """What is stored in the image has their contents in it."""
    (onbuild,) = parse(b"ONBUILD  COPY <<a <<b /\n1\na\n2\nb\n").instructions
    assert onbuild.trigger_text == "COPY <<a <<b /\n1\na\n2\nb"
    assert parse(onbuild.trigger_text.encode()).problems == ()
    assert onbuild.trigger is not None
    assert onbuild.trigger.trigger_text == ""
