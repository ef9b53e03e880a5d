"""Sources of evidence, one file each; the only package that may open a socket. None is built yet."""
