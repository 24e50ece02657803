"""The messages of `gateway.proto`."""

from imagebuilders.buildkit.proto.pool import names_of

globals().update(names_of("gateway"))
