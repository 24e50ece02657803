"""The expansion of words (POSIX.1-2017, 2.6).

All kinds of expansion make `fragments`, which are then split. `arithmetic_expansion` evaluates,
`value_changes` and `parameters` expand `${…}`, `tildes` home folders, and `expander` whole words.
"""
