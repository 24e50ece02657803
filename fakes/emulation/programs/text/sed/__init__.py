"""`sed`: `script` reads its commands, `editor` does them for each line.

`lines` and `output` are what it reads and prints, `addresses` chooses lines, `substitution` is
`s`, and `in_place` replaces files (`-i`).
"""
