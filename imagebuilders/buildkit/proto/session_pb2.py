"""The messages of `session.proto`."""

from imagebuilders.buildkit.proto.pool import names_of

globals().update(names_of("session"))
