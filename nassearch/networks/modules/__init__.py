"""Networks as torch modules, and what is done with torch modules of any make."""
