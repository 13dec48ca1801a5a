# telegram: to be filled.
