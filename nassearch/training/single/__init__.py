"""One network trained on data of one's own: by a plain recipe, gone on with after a kill."""
