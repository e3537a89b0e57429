"""A search whose oracle trains on data of one's own."""
