"""Builds that need not be done, as the registry has the image of the same context, options, bases.

`build_key` makes one text of all that an image is made of; `registry_image` reads that text from an
image's label; `skipping` puts them together.
"""
