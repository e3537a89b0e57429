"""Read other people's tables, images and texts as data."""
