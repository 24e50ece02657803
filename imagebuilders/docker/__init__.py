"""A Docker Engine: finding it, building with it, reading its streams; image references.

Nothing here knows image builders or stacks.
"""
