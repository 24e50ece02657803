"""Looking at what builds need on this machine, and saying what is missing."""

from imagebuilders.diagnosis.diagnose import diagnose
from imagebuilders.diagnosis.finding import Area, Finding, Severity, worst

__all__ = ["Area", "Finding", "Severity", "diagnose", "worst"]
