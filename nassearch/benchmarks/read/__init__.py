"""Tables, images and texts of other people, read as data."""
