"""`awk`: mawk's and busybox's, as far as they agree with POSIX.

A program's text goes through `lexer`, `expression_parser` and `parser`, which make the tree of
`syntax`. `interpreter` does its statements, `evaluator` its expressions, `functions` what is built
in, over `variables`, the input (`main_input`, `record`) and what is open (`streams`).
"""
