"""Looking into images, wherever they are: registry, engine, image layout, archive."""

from imagebuilders.inspection.description import (
    Attestation,
    ImageDescription,
    LayerDescription,
    PlatformDescription,
    describe,
)
from imagebuilders.inspection.difference import (
    Change,
    ConfigDifference,
    FileDifference,
    ImageDifference,
    compare_images,
)
from imagebuilders.inspection.images import describe_image, open_image
from imagebuilders.inspection.stored_image import Blobs, StoredImage

__all__ = [
    "Attestation",
    "Blobs",
    "Change",
    "ConfigDifference",
    "FileDifference",
    "ImageDescription",
    "ImageDifference",
    "LayerDescription",
    "PlatformDescription",
    "StoredImage",
    "compare_images",
    "describe",
    "describe_image",
    "open_image",
]
