"""Files: the user's data folder, files of other people within limits, lines that are only ever appended, locks."""
