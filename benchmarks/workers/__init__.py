"""One module for each process that is measured; each prints one line of JSON at its end."""
