"""The page of a build: what was done when, from the events of the build, as one HTML file."""

from imagebuilders.report.image_layers import image_layers
from imagebuilders.report.json_lines import read_json_lines
from imagebuilders.report.model import (
    BuildReport,
    ReportedFile,
    ReportedLayer,
    ReportedStep,
    ReportedTransfer,
    ReportedWarning,
    SourceLine,
)
from imagebuilders.report.page import render_page
from imagebuilders.report.recorder import ReportRecorder

__all__ = [
    "BuildReport",
    "ReportRecorder",
    "ReportedFile",
    "ReportedLayer",
    "ReportedStep",
    "ReportedTransfer",
    "ReportedWarning",
    "SourceLine",
    "image_layers",
    "read_json_lines",
    "render_page",
]
