"""Why steps of a build were not taken from BuildKit's cache, from a record of earlier builds.

`StepInputs` says what BuildKit's cache knows a step by, as far as a client can know it; `records`
keeps that of the last builds; `reasons` compares.
"""
