"""The messages of `ops.proto`."""

from imagebuilders.buildkit.proto.pool import names_of

globals().update(names_of("ops"))
