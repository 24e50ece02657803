"""The Docker Engine's behaviour in scenarios, with transcripts of real engines.

A scenario talks to an engine through the SDK's low-level client and notes what
it sees. A transcript is what a real engine of some version let it see. The
double is compared with the transcripts, and so are real engines, so neither
can drift without a test noticing.
"""
