"""Files: the user's data folder, other people's files within limits, lines that are only appended, and locks."""
