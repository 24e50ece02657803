"""What engines of each version make of a Dockerfile: their steps, and the words they refuse by.

The language itself is `imagebuilders.dockerfile`.
"""
