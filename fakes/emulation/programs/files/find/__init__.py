"""`find`: the expression is read to one function (`expression`), which each visit is given.

`arguments` reads words, `tests` and `actions` are what an expression is made of, `formats` is
`-printf`, and `main` walks.
"""
