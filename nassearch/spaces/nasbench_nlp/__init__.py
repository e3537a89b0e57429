"""The space of recurrent cells of NAS-Bench-NLP."""
