"""Builds of AWS CodeBuild: what they are told to do, and what they tell."""
