"""How networks are trained: many at once, each as if alone."""
