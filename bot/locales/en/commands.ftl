# commands: to be filled.
