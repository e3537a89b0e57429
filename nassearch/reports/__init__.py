"""What results and scores say: tables of figures, and pictures."""
