"""Reports turn results and scores into tables of figures and into pictures."""
