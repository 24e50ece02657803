"""The messages of `rpc.proto`."""

from imagebuilders.buildkit.proto.pool import names_of

globals().update(names_of("rpc"))
