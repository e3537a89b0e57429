"""How pictures are drawn: looks, figures, names of lines, ticks."""
