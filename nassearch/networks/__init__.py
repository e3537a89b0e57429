"""One description of a network (`graph`), and the interpreters that give it a meaning."""
