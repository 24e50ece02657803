"""The server that the doubles listen by, and HTTP/1.1 as they speak it."""
