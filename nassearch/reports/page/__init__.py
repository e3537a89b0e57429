"""One page of searches: curves, tables, trainings and cells, in a single HTML file that asks nothing of a network."""
