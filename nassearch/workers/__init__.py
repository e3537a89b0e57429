"""Workers compute in other processes and on other machines; this folder spreads the work and ships what it needs."""
