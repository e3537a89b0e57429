"""Search with a binary predictor, and the predictor that it learns."""
