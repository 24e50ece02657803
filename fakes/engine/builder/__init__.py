"""The classic builder: evaluates a Dockerfile step by step into images."""
