"""The machinery under `BuildContext`: ignore rules, the walk, archives, digests.

Nothing here knows Docker Engines, builders or stores.
"""
