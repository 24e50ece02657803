"""An OCI registry in memory."""
