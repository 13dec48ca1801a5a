# slack: to be filled.
