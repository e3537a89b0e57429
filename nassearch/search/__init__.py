"""An experiment repeats a search over seeded rounds; a store keeps the rounds, and curves sum them up."""
