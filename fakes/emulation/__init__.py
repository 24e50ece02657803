"""Commands that are evaluated in memory: a shell and the usual programs over a file tree.

Nothing reaches the machine that the double runs on: no file, process, clock or network of it.
Text is held as the shell has it, a character for each byte (Latin-1).
"""
