"""How the embedded benchmark is made: its data are generated, and each of its cells is trained."""
