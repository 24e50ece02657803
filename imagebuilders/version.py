"""The package's version. The build backend reads it here, so it is known without any metadata."""

VERSION = "0.1.0"
