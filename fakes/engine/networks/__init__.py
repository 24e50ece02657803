"""Networks, their addresses, and the containers in them."""
