"""Work spread over processes and machines, and what travels to them."""
