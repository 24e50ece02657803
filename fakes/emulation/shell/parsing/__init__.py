"""Reads scripts into the tree of `shell.syntax`.

Each module adds what it reads to the one before: letters (`source`), what is expanded
(`expansions`), words, here-documents, tokens, conditions (`[[ ]]`), simple and compound commands,
and the whole (`parser`).
"""
