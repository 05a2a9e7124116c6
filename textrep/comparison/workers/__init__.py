"""One process for each rung, so that memory and time are its own and a crash is only its own."""
