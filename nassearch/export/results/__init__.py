"""What is exported, from the results that searches leave; and later trainings of it."""
