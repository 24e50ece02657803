"""What all unit tests share."""

pytest_plugins = ["pytester"]
