"""`tar`: `call` reads its words, `packing` makes archives, `unpacking` extracts and lists them."""
