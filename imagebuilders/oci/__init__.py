"""The values of the OCI specifications: references, digests, manifests, layers, file trees."""
